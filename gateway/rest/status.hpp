/// Issue to HTTP status: the one place where the FHIR API turns a reason into a number.
/// Source: R4 http.html#Status-Codes; architecture.md section 3 "Status codes".
#pragma once

#include "fhir/result.hpp"

namespace gateway::rest {

// Issue::source names the request header or part that was wrong; these decide between codes that share an
// issue type.
inline constexpr std::string_view kIfMatch = "If-Match";
inline constexpr std::string_view kIfNoneMatch = "If-None-Match";
inline constexpr std::string_view kAccept = "Accept";
inline constexpr std::string_view kContentType = "Content-Type";
inline constexpr std::string_view kMethod = "method";
/// No part of the request but what a well-formed resource is judged by; never shown.
inline constexpr std::string_view kRules = "rules";

/// 400 unless the code says otherwise.
int status_of(fhir::Issue const& issue);

/// Of several: what cannot be read (400) goes before what breaks a rule (422); the environment goes before
/// both.
int status_of(fhir::Issues const& issues);

}  // namespace gateway::rest
