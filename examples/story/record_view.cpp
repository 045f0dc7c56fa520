#include "examples/story/record_view.hpp"

#include <map>

namespace story {

namespace {

constexpr char kExtensions[] = "https://handoff.example/fhir/StructureDefinition/";

/// The value of the extension of that name, whatever its type.
std::string extension(rapidjson::Value const& resource, std::string const& name) {
  auto const* const all = partners::at(resource, {"extension"});
  if (all == nullptr) return {};
  for (auto const& one : all->GetArray()) {
    if (partners::text_at(one, {"url"}) != kExtensions + name) continue;
    for (char const* type : {"valueCode", "valueString", "valueInstant", "valueDateTime"}) {
      if (auto const text = partners::text_at(one, {type}); !text.empty()) return text;
    }
    if (auto const text = partners::text_at(one, {"valueReference", "reference"}); !text.empty()) return text;
    if (auto const text = partners::text_at(one, {"valueCoding", "code"}); !text.empty()) return text;
  }
  return {};
}

std::string operation_of(std::string const& path) {
  return path.starts_with("Encounter/") ? "/$transition-record" : "/$referral-record";
}

}  // namespace

RecordView read_record(Stage& stage, std::string const& path) {
  RecordView view;
  auto answer = stage.riverside().get(path + operation_of(path));
  if (answer.status != 200) return view;
  view.document = std::move(answer.body);
  auto const* const entries = partners::at(view.document, {"entry"});
  if (entries == nullptr) return view;
  for (auto const& entry : entries->GetArray()) {
    auto const* const resource = partners::at(entry, {"resource"});
    if (resource == nullptr) continue;
    std::string const type = partners::text_at(*resource, {"resourceType"});
    if (type == "Composition") {
      view.state = extension(*resource, "record-state");
      view.owner = extension(*resource, "record-owner");
      view.since = extension(*resource, "record-since");
      view.due = extension(*resource, "record-due");
    }
    if (type == "Provenance") {
      std::string const after = extension(*resource, "event-state-after");
      if (!after.empty() && (view.states.empty() || view.states.back() != after))
        view.states.push_back(after);
    }
  }
  return view;
}

RecordView expect_state(Stage& stage, std::string const& path, std::string const& state,
                        std::string const& owner) {
  RecordView view;
  auto const is_owner = [&] {
    return owner.ends_with('/') ? view.owner.starts_with(owner) : view.owner == owner;
  };
  eventually([&] {
    view = read_record(stage, path);
    return view.state == state && is_owner();
  });
  expect(view.state == state, path + " is in state " + state + " (was " + view.state + ")");
  expect(is_owner(), "the next step of " + path + " is owed by " + (owner.empty() ? "nobody" : owner) +
                         " (was " + (view.owner.empty() ? "nobody" : view.owner) + ")");
  stage.say("    record: " + state +
            (owner.empty() ? ", nobody owes anything" : ", the ball is with " + view.owner) +
            (view.due.empty() ? "" : ", due " + view.due));
  return view;
}

rapidjson::Value const* find_entry(RecordView const& view, std::string const& type) {
  auto const* const entries = partners::at(view.document, {"entry"});
  if (entries == nullptr) return nullptr;
  for (auto const& entry : entries->GetArray()) {
    if (partners::text_at(entry, {"resource", "resourceType"}) == type)
      return partners::at(entry, {"resource"});
  }
  return nullptr;
}

}  // namespace story
