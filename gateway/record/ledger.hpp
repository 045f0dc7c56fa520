/// One record during one run: events are appended unless they say nothing new, the record is folded again,
/// what follows is carried out and queued, and the row that worklists read is written. The same for referrals
/// and stays. Internal to this room.
#pragma once

#include "gateway/record/context.hpp"
#include "gateway/record/event.hpp"

#include <string>
#include <vector>

namespace gateway::record {

/// What a replay of any log gives: the row that is stored beside it.
store::RecordRow replay(std::string const& record, std::vector<Event> const& log);

/// A referral's or a stay's events, in order.
fhir::Result<void> fold_one(Context& context, std::string const& record, std::vector<Event> events);

/// Every record has a key that leads to one name: a rebuild finds closed ones too.
inline constexpr std::string_view kRecordsSpace = "record.all";
inline constexpr std::string_view kRecordsName = "all";
void enlist(store::Unit& unit, std::string_view record);

}  // namespace gateway::record
