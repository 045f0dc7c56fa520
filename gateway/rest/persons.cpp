#include "gateway/rest/persons.hpp"

namespace gateway::rest {

namespace {

constexpr std::string_view kPair = "_person=";

}  // namespace

fhir::Result<PersonChoice> take_person(std::string_view raw) {
  PersonChoice choice;
  while (!raw.empty()) {
    auto const end = raw.find('&');
    std::string_view const pair = raw.substr(0, end);
    raw.remove_prefix(end == std::string_view::npos ? raw.size() : end + 1);
    if (!pair.starts_with(kPair)) {
      choice.query.append(choice.query.empty() ? "" : "&").append(pair);
      continue;
    }
    std::string_view const value = pair.substr(kPair.size());
    if (!choice.asked.empty() || (value != "true" && value != "false"))
      return fhir::error(fhir::IssueType::value, "_person is true or false, and stands once.", {}, "_person");
    choice.asked = pair;
    choice.whole = value == "true";
  }
  return choice;
}

}  // namespace gateway::rest
