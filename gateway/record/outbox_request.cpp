#include "gateway/record/outbox_request.hpp"

#include "fhir/json/writer.hpp"

namespace gateway::record {
namespace {

void name_member(std::string& text, std::string_view name) {
  if (text.back() != '{') text += ',';
  fhir::json::write_string(name, text);
  text += ':';
}

void member(std::string& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  name_member(text, name);
  fhir::json::write_string(value, text);
}

void object(std::string& text, std::string_view name, std::map<std::string, std::string> const& values) {
  name_member(text, name);
  text += '{';
  for (auto const& [key, value] : values) member(text, key, value);
  text += '}';
}

}  // namespace

std::string OutboxRequest::json() const {
  std::string text = "{";
  member(text, "message", message);
  member(text, "structure", structure);
  member(text, "record", record);
  member(text, "state", state);
  if (state_seq != 0) {
    name_member(text, "state_seq");
    text += std::to_string(state_seq);
  }
  object(text, "facts", facts);
  object(text, "anchors", anchors);
  if (!before.empty()) object(text, "before", before);
  return text + "}";
}

store::OutboxRow row_of(Context const& context, Party const& party, std::string order_key,
                        OutboxRequest const& request) {
  store::OutboxRow row;
  row.destination = party.name;
  row.order_key = std::move(order_key);
  row.kind = "hl7v2:" + request.message;
  row.request = request.json();
  row.created_ms = context.now();
  row.next_attempt_ms = context.now();
  return row;
}

void queue(Context& context, Party const& party, std::string order_key, OutboxRequest const& request) {
  context.unit.add_outbox(row_of(context, party, std::move(order_key), request), request.record);
}

}  // namespace gateway::record
