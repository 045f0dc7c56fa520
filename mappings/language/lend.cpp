/// What another partner's message about the same thing says and no row reads, handed on to a destination that
/// wants it. Source: design translation.md 3.1, "Which complement, which image".
#include "mappings/hl7v2/escape.hpp"
#include "mappings/language/reversal.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mappings::language {

namespace {

using hl7v2::Address;

/// Segments that speak of the exchange and not of what it is about.
constexpr std::array<std::string_view, 10> kOfTheExchange{"MSH", "SFT", "UAC", "EVN", "MSA",
                                                          "ERR", "QPD", "QAK", "RCP", "DSC"};
/// Types that hold the number of something in somebody's system.
constexpr std::array<std::string_view, 13> kOfNumbers{
    "CX", "EI", "EIP", "XCN", "CN", "XON", "HD", "PL", "DLN", "PLN", "CK", "SI", "CM_INTERNAL_LOCATION"};

bool among(auto const& all, std::string_view one) { return std::ranges::find(all, one) != all.end(); }

/// "SSN Number - Patient", "Policy Number", "Living Arrangement ID"; not "Number Of Insurance Plans".
bool names_a_number(std::string_view name) {
  while (!name.empty()) {
    auto const end = std::min(name.find_first_of(" -/"), name.size());
    std::string_view const word = name.substr(0, end);
    std::string_view const rest = name.substr(std::min(end + 1, name.size()));
    if (word == "ID" || word == "Id" || word == "Identifier" || word == "SSN") return true;
    if (word == "Number" && !rest.starts_with("Of") && !rest.starts_with("of")) return true;
    name = rest;
  }
  return false;
}

class Lender {
 public:
  Lender(Reversal& reversal, hl7v2::Message const& message, Draft const& draft)
      : on_(reversal),
        message_(message),
        version_(hl7v2::to_version(message.version()).value_or(reversal.version)),
        grouping_(internals(draft).grouping) {
    for (Loss const& kept : account(message, draft).kept)
      fields_.insert({kept.address.segment, kept.address.field});
    std::erase_if(fields_, [&](auto const& field) { return !may_go(field.first, field.second); });
  }

  void run() {
    for (std::uint32_t segment = 1; segment < message_.segment_count(); ++segment) {
      if (auto const target = counterpart_of(segment)) write_fields(segment, *target);
    }
  }

 private:
  bool may_go(std::uint32_t segment, std::uint16_t field) const {
    std::string_view const id = message_.segment_id(segment);
    if (id.starts_with('Z') || among(kOfTheExchange, id) || has_row(id, field)) return false;
    auto const* const definition = hl7v2::find_field(version_, id, field);
    return definition != nullptr && !among(kOfNumbers, definition->data_type) &&
           !names_a_number(definition->name);
  }

  /// A field that a row speaks of is what the resources say.
  bool has_row(std::string_view segment, std::uint16_t field) const {
    return std::ranges::any_of(on_.structure->uses, [&](Use const& use) {
      return std::ranges::any_of(use.rows, [&](Row const* row) {
        return std::ranges::any_of(row->places, [&](Place const& place) {
          return place.segment == segment && place.field == field;
        });
      });
    });
  }

  bool has_rows(std::string_view segment) const {
    return std::ranges::any_of(on_.structure->uses, [&](Use const& use) { return use.segment == segment; });
  }

  /// The segment being written that speaks of the same thing: the one that a message has (PID, PV2), or the
  /// only one that agrees in what both say. One that no table reads, or of which the resources say nothing,
  /// is added where there is no doubt about its place.
  std::optional<std::size_t> counterpart_of(std::uint32_t segment) {
    bool const has_something = fields_.lower_bound({segment, 0}) != fields_.lower_bound({segment + 1, 0});
    if (!has_something) return std::nullopt;
    std::string_view const id = message_.segment_id(segment);
    std::vector<std::size_t> written;
    for (std::size_t at = 1; at < on_.image().segment_count(); ++at)
      if (on_.image().segment_id(at) == id) written.push_back(at);
    auto const room = on_.layout->room_of(id);
    bool const only_one = room == Layout::Room::one && count(id) == 1;
    if (only_one ? written.empty() : !has_rows(id) && room != Layout::Room::none) return add(id);
    if (only_one && written.size() == 1) return written[0];
    std::optional<std::size_t> only;
    for (std::size_t const at : written) {
      if (!agrees(segment, at)) continue;
      if (only) return std::nullopt;
      only = at;
    }
    return only;
  }

  std::size_t count(std::string_view id) const {
    std::size_t all = 0;
    for (std::size_t at = 0; at < message_.segment_count(); ++at)
      all += message_.segment_id(at) == id ? 1 : 0;
    return all;
  }

  std::size_t add(std::string_view id) {
    Layout::Serial const serial = on_.layout->insert(on_.layout->group_for(0, id, false, {}), id);
    return on_.layout->index_of(serial);
  }

  /// Some field that rows read says the same in both, and none says otherwise.
  bool agrees(std::uint32_t theirs, std::size_t ours) const {
    std::string_view const id = message_.segment_id(theirs);
    bool any = false;
    for (std::uint16_t field = 1; field <= message_.field_count(theirs); ++field) {
      auto const* const definition = hl7v2::find_field(version_, id, field);
      if (!has_row(id, field) || definition == nullptr || definition->data_type == "SI") continue;
      std::string const said = message_.text({theirs, field, 1, 1, 1});
      std::string const written = on_.image().text({static_cast<std::uint32_t>(ours), field, 1, 1, 1});
      if (said.empty() || written.empty()) continue;
      if (!types::equals_ignoring_case(said, written)) return false;
      any = true;
    }
    return any;
  }

  void write_fields(std::uint32_t from, std::size_t to) {
    auto& image = on_.image();
    for (auto at = fields_.lower_bound({from, 0}); at != fields_.end() && at->first == from; ++at) {
      Address const address{static_cast<std::uint32_t>(to), at->second, 0, 0, 0};
      std::string_view const raw = message_.raw({from, at->second, 0, 0, 0});
      if (raw == "\"\"" || !image.raw(address).empty()) continue;
      image.set(address, hl7v2::re_encode(raw, message_.delimiters(), image.delimiters()));
    }
  }

  Reversal& on_;
  hl7v2::Message const& message_;
  hl7v2::Version version_;
  hl7v2::Grouping const& grouping_;
  std::set<std::pair<std::uint32_t, std::uint16_t>> fields_;  ///< What may go, by segment and field.
};

}  // namespace

void lend_unmapped(Reversal& reversal) {
  ReverseRequest const& request = reversal.request;
  if (reversal.seed || request.lender.message == nullptr || !reversal.partner.forward_unmapped) return;
  auto const draft = forward(reversal.maps, *request.lender.message, *request.lender.profile);
  if (draft) Lender(reversal, *request.lender.message, *draft).run();
}

}  // namespace mappings::language
