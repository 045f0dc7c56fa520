#include "gateway/record/event.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"

#include <algorithm>
#include <charconv>

namespace gateway::record {
namespace {

using fhir::json::Element;

std::int64_t to_number(std::string_view text) {
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

class BodyWriter {
 public:
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin(name);
    fhir::json::write_string(value, out_);
  }
  void number(std::string_view name, std::int64_t value) {
    begin(name);
    out_ += std::to_string(value);
  }
  void flag(std::string_view name, bool value) {
    if (!value) return;
    begin(name);
    out_ += "true";
  }
  void list(std::string_view name, std::vector<std::string> const& values) {
    if (values.empty()) return;
    begin(name);
    write_list(values);
  }
  void data(std::map<std::string, std::vector<std::string>> const& values) {
    if (values.empty()) return;
    begin("data");
    out_ += '{';
    bool first = true;
    for (auto const& [name, list] : values) {
      if (!first) out_ += ',';
      first = false;
      fhir::json::write_string(name, out_);
      out_ += ':';
      write_list(list);
    }
    out_ += '}';
  }
  std::string finish() { return std::move(out_) + "}"; }

 private:
  void begin(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    fhir::json::write_string(name, out_);
    out_ += ':';
  }
  void write_list(std::vector<std::string> const& values) {
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out_ += ',';
      fhir::json::write_string(values[i], out_);
    }
    out_ += ']';
  }
  std::string out_;
};

std::vector<std::string> texts_of(Element const* list) {
  std::vector<std::string> texts;
  if (list != nullptr)
    for (Element const& item : list->items()) texts.emplace_back(item.text());
  return texts;
}

}  // namespace

std::vector<std::string> const& Event::all(std::string const& name) const {
  static std::vector<std::string> const none;
  auto const found = data.find(name);
  return found == data.end() ? none : found->second;
}

std::string const& Event::text(std::string const& name) const {
  static std::string const none;
  auto const& values = all(name);
  return values.empty() ? none : values.front();
}

void Event::set(std::string const& name, std::string value) {
  if (value.empty()) {
    data.erase(name);
  } else {
    data[name] = {std::move(value)};
  }
}

void Event::add(std::string const& name, std::string value) {
  if (value.empty()) return;
  auto& values = data[name];
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(std::move(value));
}

std::int64_t Event::number(std::string const& name) const { return to_number(text(name)); }

std::string to_json(Event const& event) {
  BodyWriter body;
  body.text("type", event.type);
  body.number("asserted", event.asserted);
  body.number("source_time", event.source_time);
  body.number("received", event.received);
  body.text("actor", event.actor);
  body.text("origin", event.origin);
  body.text("door", event.door);
  body.text("message", event.message);
  body.text("message_id", event.message_id);
  body.flag("inferred", event.inferred);
  body.text("rule", event.rule);
  body.text("state_before", event.state_before);
  body.text("state_after", event.state_after);
  body.text("payload", event.payload);
  body.list("loss_notes", event.loss_notes);
  body.data(event.data);
  return body.finish();
}

fhir::Result<Event> event_of(std::string_view body, std::int64_t seq) {
  FHIR_TRY(auto const document, fhir::json::read_document(body));
  Element const& root = document.root;
  if (!root.is_object() || root.text_at("type").empty())
    return fhir::error(fhir::IssueType::structure, "a record event is a JSON object with a type");
  Event event;
  event.seq = seq;
  event.type = root.text_at("type");
  event.asserted = to_number(root.text_at("asserted"));
  event.source_time = to_number(root.text_at("source_time"));
  event.received = to_number(root.text_at("received"));
  event.actor = root.text_at("actor");
  event.origin = root.text_at("origin");
  event.door = root.text_at("door");
  event.message = root.text_at("message");
  event.message_id = root.text_at("message_id");
  event.inferred = root.text_at("inferred") == "true";
  event.rule = root.text_at("rule");
  event.state_before = root.text_at("state_before");
  event.state_after = root.text_at("state_after");
  event.payload = root.text_at("payload");
  event.loss_notes = texts_of(root.find("loss_notes"));
  if (Element const* data = root.find("data"))
    for (auto const& member : data->members()) event.data[std::string(member.name)] = texts_of(&member.value);
  return event;
}

std::int64_t effective_time(Event const& event) {
  if (event.asserted == 0) return event.received;
  return std::min(event.asserted, event.received);
}

}  // namespace gateway::record
