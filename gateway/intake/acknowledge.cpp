#include "gateway/intake/acknowledge.hpp"

#include <optional>

namespace gateway::intake {

namespace {

using mappings::hl7v2::Message;

constexpr char kSeparator = '\x1e';  // never part of a v2 message: control characters are refused in it

constexpr std::uint16_t kAcceptField = 15;
constexpr std::uint16_t kApplicationField = 16;

/// MSH-15 or MSH-16; empty for absent and for codes outside table 0155.
std::string_view condition(Message const& message, std::uint16_t field) {
  std::string_view const code = message.raw({0, field, 1, 1, 1});
  return code == "AL" || code == "NE" || code == "ER" || code == "SU" ? code : std::string_view{};
}

bool is_wanted(std::string_view condition, Verdict verdict) {
  if (condition == "AL") return true;
  if (condition == "ER") return verdict != Verdict::accepted;
  if (condition == "SU") return verdict == Verdict::accepted;
  return false;
}

std::string code_of(char kind, Verdict verdict) {
  return {kind, verdict == Verdict::accepted ? 'A' : verdict == Verdict::error ? 'E' : 'R'};
}

}  // namespace

std::string_view to_text(Verdict verdict) {
  return verdict == Verdict::accepted ? "accepted" : verdict == Verdict::error ? "error" : "refused";
}

std::vector<std::string> answers(Message const& message, Verdict verdict, AckHeaders const& headers,
                                 fhir::Issues const& issues) {
  std::string_view const accept = condition(message, kAcceptField);
  std::string_view const application = condition(message, kApplicationField);
  std::vector<std::string> all;
  if (accept.empty() && application.empty()) {
    all.push_back(make_ack(message, code_of('A', verdict), headers(), issues));
    return all;
  }
  if (is_wanted(accept, verdict)) all.push_back(make_ack(message, code_of('C', verdict), headers(), issues));
  // A message that could not even be accepted has had its answer; an application answer would say it twice.
  bool const answered = verdict != Verdict::accepted && !all.empty();
  if (!answered && is_wanted(application, verdict)) {
    all.push_back(make_ack(message, code_of('A', verdict), headers(), issues));
  }
  return all;
}

std::string join_answers(std::vector<std::string> const& answers) {
  std::string joined;
  for (std::string const& answer : answers) joined.append(answer).push_back(kSeparator);
  return joined;
}

std::vector<std::string> split_answers(std::string_view joined) {
  std::vector<std::string> answers;
  while (!joined.empty()) {
    auto const end = joined.find(kSeparator);
    answers.emplace_back(joined.substr(0, end));
    joined = end == std::string_view::npos ? std::string_view{} : joined.substr(end + 1);
  }
  return answers;
}

}  // namespace gateway::intake
