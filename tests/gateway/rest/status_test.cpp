#include "gateway/rest/status.hpp"

#include <gtest/gtest.h>

namespace gateway::rest {
namespace {

using fhir::error;
using fhir::IssueType;

TEST(Status, EachReasonHasItsNumber) {
  struct Case {
    IssueType code;
    std::string_view source;
    int status;
  };
  Case const cases[] = {
      {IssueType::structure, "", 400},          {IssueType::value, "", 400},
      {IssueType::required, "", 400},           {IssueType::invariant, "", 400},
      {IssueType::too_costly, "", 400},         {IssueType::not_supported, "colour", 400},
      {IssueType::forbidden, "", 403},          {IssueType::not_found, "", 404},
      {IssueType::not_supported, kMethod, 405}, {IssueType::not_supported, kAccept, 406},
      {IssueType::conflict, "", 409},           {IssueType::deleted, "", 410},
      {IssueType::conflict, kIfMatch, 412},     {IssueType::conflict, kIfNoneMatch, 412},
      {IssueType::multiple_matches, "", 412},   {IssueType::not_supported, kContentType, 415},
      {IssueType::code_invalid, "", 422},       {IssueType::business_rule, "", 422},
      {IssueType::throttled, "", 429},          {IssueType::exception, "", 500},
      {IssueType::transient, "", 503},          {IssueType::no_store, "", 507},
  };
  for (Case const& one : cases) {
    EXPECT_EQ(status_of(error(one.code, "", "", std::string(one.source))), one.status)
        << to_code(one.code) << ' ' << one.source;
  }
}

TEST(Status, WhatCannotBeReadGoesBeforeWhatBreaksARule) {
  fhir::Issues const issues{error(IssueType::code_invalid, ""), error(IssueType::structure, ""),
                            fhir::warning(IssueType::no_store, "")};
  EXPECT_EQ(status_of(issues), 400);
}

TEST(Status, TheEnvironmentGoesBeforeTheRequest) {
  EXPECT_EQ(status_of(fhir::Issues{error(IssueType::structure, ""), error(IssueType::no_store, "")}), 507);
}

}  // namespace
}  // namespace gateway::rest
