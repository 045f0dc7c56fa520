#include "gateway/intake/acknowledge.hpp"

#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/image.hpp"

#include <utility>

namespace gateway::intake {

namespace {

using mappings::hl7v2::Message;

constexpr char kSeparator = '\x1e';  // never part of a v2 message: control characters are refused in it

std::string code_of(char kind, Verdict verdict) {
  return {kind, verdict == Verdict::accepted ? 'A' : verdict == Verdict::error ? 'E' : 'R'};
}

}  // namespace

std::string_view to_text(Verdict verdict) {
  return verdict == Verdict::accepted ? "accepted" : verdict == Verdict::error ? "error" : "refused";
}

DueAnswers due_answers(Message const& message, Verdict verdict, AckHeaders const& headers,
                       fhir::Issues const& issues, std::string_view confirm) {
  fhir::Issues ignored;  // a code outside table 0155 counts as absent
  auto const asked = ack_request(message, ignored);
  bool const is_ack = message.message_code() == "ACK" || message.message_code() == "MCF";
  bool const is_success = verdict == Verdict::accepted;
  DueAnswers due;
  due.enhanced = asked.enhanced;
  if (is_wanted(asked.accept, is_success))
    due.commit = make_ack(message, code_of('C', verdict), headers(), issues);
  // A message that could not even be accepted has had its answer; an application answer would say it twice.
  bool const is_answered = !is_success && !due.commit.empty();
  if (!is_ack && !is_answered && is_wanted(asked.application, is_success)) {
    auto header = headers();
    header.accept_ack = confirm;
    due.application = make_ack(message, code_of('A', verdict), header, issues);
  }
  return due;
}

std::string make_receipt(Message const& referral, mappings::hl7v2::AckHeader const& header) {
  using mappings::hl7v2::Image;
  fhir::Issues ignored;
  std::string const ack = make_ack(referral, "AA", header, {});
  auto const parsed = Message::parse(ack, {}, ignored);
  if (!parsed) return ack;
  Image image(*parsed);
  image.set_text({0, 9, 1, 1}, "RRI");
  image.set_text({0, 9, 1, 2}, "I12");
  if (!image.raw({0, 9, 1, 3}).empty()) image.set_text({0, 9, 1, 3}, "RRI_I12");
  auto const copy = [&](std::string_view id) {
    for (auto at = referral.find_segment(id); at; at = referral.find_segment(id, *at + 1)) {
      auto const to = static_cast<std::uint32_t>(image.insert_segment(image.segment_count(), id));
      auto const from = static_cast<std::uint32_t>(*at);
      for (std::uint16_t field = 1; field <= referral.field_count(from); ++field)
        image.set({to, field}, referral.raw({from, field}));
    }
  };
  copy("RF1");
  if (!image.find_segment("RF1")) image.insert_segment(image.segment_count(), "RF1");
  image.set_text({static_cast<std::uint32_t>(*image.find_segment("RF1")), 1}, "P");
  copy("PRD");
  copy("PID");
  auto encoded = mappings::hl7v2::encode_charset(image.bytes(), referral.answer_charset());
  return encoded ? std::move(*encoded) : image.bytes();
}

std::vector<std::string> answers(Message const& message, Verdict verdict, AckHeaders const& headers,
                                 fhir::Issues const& issues) {
  auto due = due_answers(message, verdict, headers, issues);
  std::vector<std::string> all;
  if (!due.commit.empty()) all.push_back(std::move(due.commit));
  if (!due.application.empty()) all.push_back(std::move(due.application));
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
