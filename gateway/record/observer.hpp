/// Reads one Unit's changes and collects observations; see observe.hpp. Internal to this room.
#pragma once

#include "gateway/record/linking.hpp"
#include "gateway/record/observe.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/transition.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

/// Facts of the message that a work item keeps in its event: "fact.referral.status".
inline constexpr std::string_view kFactPrefix = "fact.";

/// IMP and its kin, observation, emergency: a stay. Anything else is a visit.
bool is_stay_class(std::string_view act_code);

/// Where the output of a work item's Task says that it belongs; "" when it does not.
std::string target_of_work_item(fhir::json::Element const& task);

class Observer {
 public:
  explicit Observer(Context& context);
  fhir::Result<Observed> run();
  /// The events of `record` that this subject means, or, without one, the message of the Cause.
  fhir::Result<Observed> attach(std::string const& record, Reference const& subject, std::string const& rule);
  Context& context() { return context_; }

 private:
  using Element = fhir::json::Element;
  using Change = store::Unit::Change;

  // Shared.
  void add(RecordKind kind, std::string record, Event event, std::vector<std::string> keys,
           std::vector<std::string> views);
  fhir::Result<void> orphan(std::string const& view, std::string const& person, std::string reason);
  /// By what is stored, or by what this run has found.
  fhir::Result<std::optional<std::string>> record_of(std::string const& reference);
  fhir::Result<Link> link_view(std::string const& reference, Element const& resource,
                               std::string const& person);
  fhir::Result<Link> link_to_found(Element const& resource, std::string const& person);
  fhir::Result<void> see(Change const& change);
  fhir::Result<void> see_receipt();
  void describe_site(Event& event);

  // Referrals.
  fhir::Result<bool> by_placer(ReferralState const& state);
  fhir::Result<ReferralState> state_of_record(std::string const& record);
  fhir::Result<void> describe(Event& event, Element const& request, Element const* task);
  fhir::Result<void> open_referral(Element const& request, Element const* task, std::string_view source);
  fhir::Result<void> see_request(Change const& change, Element const* before, Element const& after);
  std::string lead_of(std::string const& reference, Element const& request) const;
  fhir::Result<void> see_known_request(std::string const& record, Change const& change, Element const* before,
                                       Element const& after);
  Element const* find_task_on(std::string const& request);
  fhir::Result<void> see_task(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> see_fulfilment(Change const& change, Element const* before, Element const& after);
  static bool is_before_acceptance(State state);
  fhir::Result<void> open_by_task(Change const& change, Element const& after);
  fhir::Result<void> tell_task_status(std::string const& record, ReferralState const& state,
                                      Element const* before, Element const& after);
  fhir::Result<void> tell_completed(std::string const& record);
  fhir::Result<void> tell_output(std::string const& record, Element const& task);
  fhir::Result<void> see_review(Change const& change, Element const* before, Element const& after);
  std::string reviewer_of(Element const& task);
  fhir::Result<void> see_abort(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> see_appointment(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> add_appointment(std::string const& record, std::string_view type, Element const& after,
                                     std::string rule);
  fhir::Result<void> add_visit(std::string const& record, Element const& after, std::string rule);
  fhir::Result<void> see_visit(Change const& change, Element const* before, Element const& after);
  std::vector<std::string> providers_of(Element const& encounter);
  fhir::Result<void> see_report(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> add_report(std::string const& record, std::string_view type,
                                std::string const& reference, std::string rule);
  fhir::Result<void> see_communication(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> see_work_item(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> attach_to_referral(std::string const& record, Element const& subject,
                                        std::string const& rule);
  fhir::Result<void> attach_to_stay(std::string const& record, Element const& subject,
                                    std::string const& rule);
  fhir::Result<void> see_message();
  fhir::Result<void> tell_message(std::string const& record, std::string const& linked);
  fhir::Result<std::string> record_of_message();

  // Transitions.
  fhir::Result<void> see_stay(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> describe_stay(Event& event, Element const& encounter, bool first);
  fhir::Result<std::vector<std::string>> primary_care_of(std::string const& person);
  fhir::Result<TransitionState> stay_of_record(std::string const& record);
  fhir::Result<std::vector<TransitionState>> stays_of(std::string const& person);
  void see_readmission(std::string const& record, std::vector<TransitionState> const& stays, std::int64_t at,
                       Element const& encounter);
  fhir::Result<void> see_chain(std::string const& record, std::vector<TransitionState> const& stays,
                               Element const& encounter);
  void chain(TransitionState const& earlier, TransitionState const& later);
  fhir::Result<void> see_ordered_service(Element const& request);
  fhir::Result<void> see_obligation(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> see_follow_up_booking(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> see_follow_up_visit(Change const& change, Element const& after);
  fhir::Result<void> see_contact(Change const& change, Element const& after);
  fhir::Result<void> see_stay_report(Change const& change, Element const* before, Element const& after);
  fhir::Result<void> see_patient(Change const& change, Element const* before, Element const& after);
  void close_obligation(TransitionState const& stay, std::string_view code, std::string const& evidence,
                        std::string rule);

  Context& context_;
  std::vector<Change> changes_;
  std::vector<Observation> found_;
  std::vector<WorkItem> items_;
  std::vector<std::pair<std::string, Settlement>> settled_;
};

}  // namespace gateway::record
