/// The routing table: method and path to interaction. What is not in it is not served, and `metadata` says
/// what is. Source: R4 http.html#summary.
#pragma once

#include "gateway/rest/interactions/interactions.hpp"

#include <span>
#include <string_view>
#include <variant>

namespace gateway::rest {

enum class Level : unsigned char { system, type, instance };

using Reading = fhir::Result<Answer> (*)(Context const&, Request const&);
using Writing = net::asio::awaitable<Answer> (*)(Context const&, Request const&);

/// Where a reading runs: point reads where they arrive, what may scan on the pool (architecture.md section 2
/// "Threads").
enum class Place : unsigned char { here, pool };

struct Route {
  std::string_view method;
  std::string_view path;  ///< Below the base: "[type]/[id]/_history/[vid]", or a type by name.
  /// The code of http://hl7.org/fhir/restful-interaction, or an operation's name with its "$"; "" where the
  /// CapabilityStatement has no word for it.
  std::string_view interaction;
  Level level = Level::system;
  std::variant<Reading, Writing> handler;
  Place place = Place::here;
};

std::span<Route const> routes();

/// Finds the route, checks type and id, runs it. Refusals: not_found, not_supported with source "method"
/// (405, Allow). The request lives until the answer is there.
net::asio::awaitable<Answer> dispatch(Context const& context, Request& request);

/// Whether the request would find a route; fills in type, id and version. For the entries of a Bundle.
fhir::Result<Route const*> find_route(Request& request);

}  // namespace gateway::rest
