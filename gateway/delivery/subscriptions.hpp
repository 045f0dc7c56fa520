/// Which FHIR clients want to be told of a change: active R4 Subscriptions with a rest-hook channel.
/// Source: R4 subscription.html. Matching happens in the Unit that makes the change, so a notice is as
/// durable as the change.
///
/// A notification without `channel.payload` is an empty POST to the endpoint; with "application/fhir+json" it
/// is the resource, as PUT endpoint/Type/id. What was matched waits in the outbox under destination
/// "rest-hook:<Subscription id>".
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "gateway/store/store.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::delivery {

inline constexpr std::string_view kRestHookPrefix = "rest-hook:";

/// Thread-safe: readers take an immutable list, reload swaps it.
class Subscriptions {
 public:
  /// Reads the active Subscriptions of the store. Called at start and after any Subscription changed.
  fhir::Result<void> reload(store::Store& store);

  /// Queues a notification for every change of the Unit that an active Subscription's criteria hold for;
  /// those that name a Patient hold for the whole person, as a search does. A client is told of its own
  /// writes as well, as R4 says.
  fhir::Result<void> notify(store::Unit& unit) const;

  /// What a server must refuse in a Subscription that it would make active: other channels, bad criteria, an
  /// endpoint that is neither https nor (where allowed) loopback http, headers with line breaks. Errors name
  /// the element.
  static fhir::Result<void> check(fhir::json::Element const& subscription, bool loopback_hooks);

  std::size_t size() const;

 private:
  struct Active;
  std::shared_ptr<std::vector<Active> const> list() const;

  mutable std::mutex mutex_;
  std::shared_ptr<std::vector<Active> const> active_;
};

}  // namespace gateway::delivery
