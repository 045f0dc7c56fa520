/// What an outbox row of kind "hl7v2:..." asks delivery to write: which message, with which facts, over which
/// exact versions. The one place that says it as JSON; gateway/delivery/render.cpp reads it.
#pragma once

#include "gateway/record/context.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace gateway::record {

struct OutboxRequest {
  std::string message;         ///< "RRI^I12"
  std::string structure = {};  ///< "RRI_I12"; "": the one that the standard has for the message
  std::string record = {};     ///< "transition/x": whose timeline the delivery belongs to; "" for none.
  std::string state = {};      ///< Of that record.
  std::int64_t state_seq = 0;  ///< Its place in that record's log, 0: not said.
  std::map<std::string, std::string> facts = {};  ///< "referral.status" -> "A"; empty values are left out.
  std::map<std::string, std::string> anchors =
      {};  ///< Role -> "Task/x/_history/3"; "patient#2" a second one.
  /// Role -> the version that this one took the place of: what it has no more is told as taken out.
  std::map<std::string, std::string> before = {};

  std::string json() const;
};

/// Queues it for that partner, in the order of that key. `record` of the request is where it is found again.
void queue(Context& context, Party const& party, std::string order_key, OutboxRequest const& request);
store::OutboxRow row_of(Context const& context, Party const& party, std::string order_key,
                        OutboxRequest const& request);

}  // namespace gateway::record
