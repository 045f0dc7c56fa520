#include "rewritten.hpp"

namespace mappings::maps::test {

Rewritten::Rewritten(OwnMessage const& own, bool with_seed) : translated(own.bytes) {
  auto& draft = translated.draft;
  for (auto const& fact : draft.facts) {
    std::string_view const system = fact.value.text_at("system");
    texts.emplace_back(std::string(fact.name),
                       (system.empty() ? "" : std::string(system) + "|") + std::string(fact.text()));
  }
  bundle = language::to_bundle(draft);
  auto request = language::from_bundle(language::builtin(), draft.structure, bundle);
  if (!request) {
    error = request.error();
    return;
  }
  request->message_code = translated.message.message_code();
  request->trigger_event = translated.message.trigger_event();
  request->control_id = translated.message.control_id();
  timestamp = translated.message.raw({0, 7, 1, 1, 1});
  request->timestamp = timestamp;
  if (!with_seed) {
    for (auto const& [name, text] : texts) {
      if (name != "referral.information") request->facts.push_back({name, text});  // Task.note says it
    }
  }
  if (with_seed) {
    request->seed = &translated.message;
    request->keep_header = true;
  }
  auto profile = sender();
  profile.version = std::string(translated.message.version());
  auto reversed = language::reverse(language::builtin(), *request, profile);
  if (!reversed) {
    error = reversed.error();
    return;
  }
  bytes = reversed->image.bytes();
  loss = std::move(reversed->loss);
}

}  // namespace mappings::maps::test
