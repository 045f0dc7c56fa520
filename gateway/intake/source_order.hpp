/// In which order a source said things, whatever the order in which its messages arrived: a message older
/// than the newest that spoke of a resource only fills what nobody has said, and one older than the event
/// that moved a status last does not move it. Source: record.md section 4 (within a source by MSH-7; equal
/// times by MSH-13, else by arrival). Patients and visits are ordered each on their own; what else an ADT
/// message says follows its visit, or its patient where it has no visit. Other messages have orders of their
/// own (a report never goes back from final, a referral is the record's).
#pragma once

#include "fhir/result.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::intake {

class SourceOrder {
 public:
  SourceOrder(store::Unit& unit, mappings::language::Draft const& draft, std::string source);

  /// Where this message stands for that resource, and notes it as its newest if it is.
  fhir::Result<mappings::language::Late> place(std::string_view type, std::string_view id, bool is_known);
  /// This message moved the resource's status.
  void note_status(std::string_view type, std::string_view id);

 private:
  /// A time as precise as it was sent: [begin, end) in milliseconds, and MSH-13.
  struct Moment {
    std::int64_t begin = 0, end = 0;
    std::int64_t sequence = -1;
  };
  static std::optional<Moment> moment_of(std::string_view text);
  static bool is_before(Moment const& one, Moment const& other);
  std::string text() const;

  store::Unit& unit_;
  std::string source_;
  std::optional<Moment> now_;  ///< None without a readable MSH-7: then the order of arrival is all there is.
};

}  // namespace gateway::intake
