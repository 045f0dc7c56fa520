#include "gateway/record/outgoing.hpp"

#include "gateway/record/codes.hpp"
#include "gateway/record/outbox_request.hpp"
#include "gateway/record/work_item.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using enum State;

constexpr std::ptrdiff_t kLoopMessages = 5;  // of one referral to one partner
constexpr std::int64_t kLoopWindowMs = 60'000;

/// A booking that only got another time: the state stays.
constexpr std::string_view kRebooked = "rebooked";

Outgoing say(std::string message, std::map<std::string, std::string> facts) {
  return {std::move(message), std::move(facts), {}};
}
Outgoing cannot(std::string reason) { return {{}, {}, std::move(reason)}; }

Outgoing referral_status(std::string_view message, std::string_view status) {
  return say(std::string(message), {{"referral.status", std::string(status)}});
}

Outgoing order(std::string_view message, std::string_view control, std::string_view status = {}) {
  Outgoing out = say(std::string(message), {{"order.control", std::string(control)}});
  if (!status.empty()) out.facts["order.status"] = status;
  return out;
}

std::optional<Outgoing> to_recipient(ReferralState const& state, std::string_view moved_by,
                                     Party const& party) {
  bool const orders = party.dialect == "omg_osu";
  bool const changed = moved_by == kind::updated || moved_by == kind::info_supplied;
  if (changed && is_open(state.state) && !is_fulfilment_over(state.state) && state.state != draft &&
      state.state != sent)
    return orders ? order("OMG^O19", "XO") : referral_status("REF^I13", "P");
  if (changed) return std::nullopt;
  switch (state.state) {
    case sent:
      return orders ? order("OMG^O19", "NW") : referral_status("REF^I12", "P");
    case cancel_requested:
    case entered_in_error:
      return orders ? order("OSU^O51", "CA") : referral_status("REF^I14", "P");
    case closed:
      if (orders) return order("OSU^O51", "SC", "CM");
      if (party.close_by == "i13") return referral_status("REF^I13", "P");
      return cannot("closure not expressible");
    default:
      return std::nullopt;
  }
}

Outgoing booking(ReferralState const& state, std::string_view message, std::string_view status) {
  if (state.appointment.empty()) return cannot("no Appointment to tell of");
  return say(std::string(message), {{"schedule.status", std::string(status)}});
}

Outgoing report(ReferralState const& state, std::string_view moved_by) {
  bool const document = state.report.starts_with("DocumentReference/");
  bool const interim = moved_by == kind::interim;
  bool const corrected = moved_by == kind::corrected;
  if (state.report.empty()) return cannot("no report to tell of");
  if (document)
    return say(corrected ? "MDM^T10" : "MDM^T02",
               {{"document.completion", interim ? "IP" : "LA"}, {"document.availability", "AV"}});
  return say("ORU^R01", {{"report.status", interim     ? "P"
                                           : corrected ? "C"
                                                       : "F"},
                         {"order.control", "RE"},
                         {"order.status", interim ? "IP" : "CM"}});
}

std::size_t bookings_of(ReferralState const& state) {
  return static_cast<std::size_t>(std::count_if(state.history.begin(), state.history.end(),
                                                [](auto& entry) { return entry.state == scheduled; }));
}

std::optional<Outgoing> to_referrer(ReferralState const& state, std::string_view moved_by,
                                    Party const& party) {
  bool const orders = party.dialect == "omg_osu";
  if (moved_by == kind::updated) return std::nullopt;
  if (moved_by == kind::interim) return report(state, moved_by);
  if (moved_by == kind::cancel_refused && orders) return order("OSU^O51", "UC");
  switch (state.state) {
    case received:
      if (party.told_of_receipt && moved_by == kind::received) return std::nullopt;
      return orders ? cannot("receipt is the acknowledgement") : referral_status("RRI^I12", "P");
    case needs_info: {
      Outgoing out = orders ? order("OSU^O51", "SC", "HD") : referral_status("RRI^I12", "P");
      out.facts["referral.information"] = state.reason.empty() ? "more information is needed" : state.reason;
      return out;
    }
    case accepted:
      return orders ? order("OSU^O51", "SC", "IP") : referral_status("RRI^I12", "A");
    case declined:
      return orders ? order("OSU^O51", "UA") : referral_status("RRI^I12", "R");
    case failed:
      return orders ? order("OSU^O51", "CA") : referral_status("RRI^I12", "R");
    case waitlisted:
      if (orders && state.appointment.empty()) return order("OSU^O51", "SC", "IP");
      return booking(state, "SIU^S12", "Pending");
    case scheduled:
      return booking(state, bookings_of(state) > 1 || moved_by == kRebooked ? "SIU^S13" : "SIU^S12",
                     "Booked");
    case appt_cancelled:
      return booking(state, "SIU^S15", "Cancelled");
    case no_show:
      return booking(state, "SIU^S26", "Noshow");
    case seen:
      return booking(state, "SIU^S14", "Complete");
    case note_returned:
      return report(state, moved_by);
    case cancelled:
      return orders ? order("OSU^O51", "CR") : referral_status("RRI^I14", "P");
    case expired:
      return orders ? cannot("expiry not expressible") : referral_status("RRI^I12", "E");
    default:
      return std::nullopt;
  }
}

bool wants(Party const& party, std::string const& message) {
  return party.sends.empty() ||
         std::find(party.sends.begin(), party.sends.end(), message) != party.sends.end();
}

class Teller {
 public:
  Teller(Context& context, ReferralState const& before, std::vector<Event>& log, std::size_t log_before)
      : context_(context), before_(before), log_(log), log_before_(log_before) {}

  fhir::Result<void> run() {
    after_ = fold_referral(before_.record_id, log_);
    FHIR_CHECK(remember_what_origin_said());
    std::string const moved = what_moved();
    if (moved.empty()) return {};
    FHIR_CHECK(route(moved));
    after_ = fold_referral(before_.record_id, log_);
    FHIR_TRY(auto const recipients, context_.parties_of(after_.performer));
    if (recipients.size() == 1) FHIR_CHECK(tell(*recipients.front(), Toward::recipient, moved));
    FHIR_TRY(auto const referrers, referring_parties());
    if (referrers.size() == 1) FHIR_CHECK(tell(*referrers.front(), Toward::referrer, moved));
    return {};
  }

 private:
  fhir::Result<std::vector<Party const*>> referring_parties() {
    if (Party const* party = context_.party_named(after_.placer_source))
      return std::vector<Party const*>{party};
    return context_.parties_of(after_.requester);
  }

  /// The event that the partners are to hear of: what moved the state last, else an interim report or a
  /// change of content.
  std::string what_moved() const {
    if (!after_.history.empty() &&
        (before_.history.empty() || after_.history.back().seq != before_.history.back().seq ||
         after_.history.size() != before_.history.size()))
      return after_.history.back().type == kind::seen && after_.interim && !before_.interim
                 ? std::string(kind::interim)
                 : after_.history.back().type;
    std::string moved;
    for (std::size_t i = log_before_; i < log_.size(); ++i) {
      Event const& event = log_[i];
      if (event.type == kind::interim && after_.interim) moved = kind::interim;
      if (event.type == kind::booked && after_.state == scheduled &&
          after_.appointment_start != before_.appointment_start)
        moved = kRebooked;
      bool const content =
          event.type == kind::updated && !event.inferred && event.payload.starts_with("ServiceRequest/");
      if (moved.empty() && content) moved = kind::updated;
    }
    return moved;
  }

  /// What makes two tellings the same: the state and the thing it is about.
  fhir::Result<std::string> token(std::string const& moved) {
    std::string token(to_code(after_.state));
    if (moved == kind::interim || after_.state == note_returned) {
      FHIR_TRY(auto const version, context_.version(after_.report));
      return token + "|" + moved + "|" + version;
    }
    if (moved == kind::updated || moved == kind::info_supplied) {
      FHIR_TRY(auto const version, context_.version(after_.service_request));
      token += "|" + version;
      for (std::string const& service : after_.services) {
        FHIR_TRY(auto const other, context_.version(service));
        token += "|" + other;
      }
      return token;
    }
    if (after_.state == scheduled)
      return token + "|" + after_.appointment + "|" + std::to_string(after_.appointment_start);
    return token + "|" + std::to_string(after_.history.size());
  }

  fhir::Result<void> remember_what_origin_said() {
    if (log_.size() == log_before_ || context_.party_named(context_.cause.origin) == nullptr) return {};
    std::string const moved = what_moved();
    if (moved.empty()) return {};
    FHIR_TRY(auto const said, token(moved));
    context_.unit.put_peer_state(context_.cause.origin, before_.record_id, said);
    return {};
  }

  /// Who is the destination: exactly one party that does the recipient's work and takes referrals, else a
  /// person must say.
  fhir::Result<void> route(std::string const& moved) {
    if (after_.state != sent ||
        (before_.state == sent && !before_.history.empty() && before_.performer == after_.performer))
      return {};
    FHIR_TRY(auto const recipients, context_.parties_of(after_.performer));
    std::string_view const obstacle = recipients.empty()      ? "no destination"
                                      : recipients.size() > 1 ? "several destinations"
                                      : takes_referral(*recipients.front(), moved)
                                          ? ""
                                          : "the destination takes no referrals";
    bool const open = !obstacle.empty();
    if (open == after_.route_open) return {};
    Event event = context_.event(open ? kind::route : kind::routed, std::string(obstacle));
    event.origin = std::string(kGatewaySource);
    event.door = "gateway";
    event.asserted = event.received;
    return context_.append(before_.record_id, log_, std::move(event));
  }

  /// A client reads its referrals; a v2 partner must want to be sent them.
  bool takes_referral(Party const& party, std::string const& moved) const {
    if (!party.speaks_v2 || party.name == context_.cause.origin) return true;
    auto const out = message_for(after_, moved, Toward::recipient, party);
    return !out || (!out->message.empty() && wants(party, out->message));
  }

  fhir::Result<void> tell(Party const& party, Toward side, std::string const& moved) {
    if (!party.speaks_v2 || party.name == context_.cause.origin) return {};
    auto const out = message_for(after_, moved, side, party);
    if (!out) return {};
    if (out->message.empty()) return withhold(party, out->loss);
    if (!wants(party, out->message)) return withhold(party, out->message + " is not in its profile");
    FHIR_TRY(auto const now, token(moved));
    FHIR_TRY(auto const known, context_.unit.peer_state(party.name, before_.record_id));
    if (known == now) return {};
    OutboxRequest request{.message = out->message,
                          .record = before_.record_id,
                          .state = std::string(to_code(after_.state)),
                          .state_seq = log_.back().seq,
                          .facts = out->facts};
    if (after_.state == declined || after_.state == failed || after_.state == expired)
      request.facts["referral.reason"] = after_.reason;
    FHIR_TRY(request.anchors["ref"], context_.version(after_.service_request));
    FHIR_TRY(request.anchors["loop"], context_.version(after_.task));
    // A REF has one more PR1 for each, an OMG one more order.
    std::string const role = out->message == "OMG^O19" ? "ref" : "further";
    std::size_t number = role == "ref" ? 1 : 0;
    for (std::string const& service : after_.services) {
      std::string const name = role + "#" + std::to_string(++number);
      FHIR_TRY(request.anchors[name], context_.version(service));
    }
    FHIR_TRY(request.anchors["appt"], context_.version(after_.appointment));
    request.before["appt"] = context_.version_before(after_.appointment);
    FHIR_TRY(request.anchors["report"], context_.version(after_.report));
    FHIR_TRY(request.anchors["visit"], context_.version(after_.encounter));
    FHIR_TRY(bool const loops, is_loop(party));
    std::string const order_key = after_.person.empty() ? before_.record_id : after_.person;
    store::OutboxRow row = row_of(context_, party, order_key, request);
    if (loops) FHIR_CHECK(stop(party, row));
    context_.unit.add_outbox(std::move(row), before_.record_id);
    context_.unit.put_peer_state(party.name, before_.record_id, now);
    return {};
  }

  /// S9's backstop: v2 has no hop count, so what goes back and forth faster than people do is taken for a
  /// loop.
  fhir::Result<bool> is_loop(Party const& party) {
    FHIR_TRY(auto const rows, context_.unit.snapshot().outbox_of_record(before_.record_id));
    auto const recent = std::count_if(rows.begin(), rows.end(), [&](store::OutboxRow const& row) {
      return row.destination == party.name && row.created_ms > context_.now() - kLoopWindowMs;
    });
    return recent >= kLoopMessages;
  }

  /// The row is kept and stops its key; a person must look.
  fhir::Result<void> stop(Party const& party, store::OutboxRow& row) {
    row.state = store::OutboxState::stopped;
    row.last_outcome = kLoopOutcome;
    Event event = context_.event(kind::delivery, "S9: more than 5 messages within 60 s");
    event.origin = std::string(kGatewaySource);
    event.door = "gateway";
    event.asserted = event.received;
    event.set("to", party.name);
    event.set("outcome", std::string(kLoopOutcome));
    event.set("refused", "true");
    event.add("flag", "message-loop");
    event.state_before = event.state_after = to_code(after_.state);
    FHIR_CHECK(context_.append(before_.record_id, log_, std::move(event)));
    WorkItem item;
    item.kind = work::loop;
    item.seed = before_.record_id + "|" + party.name;
    item.reason = "more than 5 messages of one referral to one partner within 60 s: its order key is stopped";
    item.owner = context_.site.gateway_organization;
    item.person = after_.person;
    item.data["to"] = {party.name};
    item.data["record"] = {before_.record_id};
    FHIR_CHECK(open_work_item(context_.unit, context_.cause, context_.site, item));
    return {};
  }

  fhir::Result<void> withhold(Party const& party, std::string const& reason) {
    Event event = context_.event(kind::withheld, reason);
    event.origin = std::string(kGatewaySource);
    event.door = "gateway";
    event.asserted = event.received;
    event.loss_notes = {std::string(to_code(after_.state)) + ": " + reason};
    event.set("to", party.name);
    event.state_before = event.state_after = to_code(after_.state);
    return context_.append(before_.record_id, log_, std::move(event));
  }

  Context& context_;
  ReferralState const& before_;
  ReferralState after_;
  std::vector<Event>& log_;
  std::size_t log_before_;
};

}  // namespace

std::optional<Outgoing> message_for(ReferralState const& state, std::string_view moved_by, Toward side,
                                    Party const& party) {
  return side == Toward::recipient ? to_recipient(state, moved_by, party)
                                   : to_referrer(state, moved_by, party);
}

fhir::Result<void> tell_partners(Context& context, ReferralState const& before, std::vector<Event>& log,
                                 std::size_t log_before) {
  return Teller(context, before, log, log_before).run();
}

}  // namespace gateway::record
