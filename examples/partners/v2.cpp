#include "examples/partners/v2.hpp"

namespace partners {

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t at = text.find(by); at != std::string_view::npos; at = text.find(by, start)) {
    parts.emplace_back(text.substr(start, at - start));
    start = at + 1;
  }
  parts.emplace_back(text.substr(start));
  return parts;
}

std::string make_segment(std::string_view id, std::map<std::size_t, std::string> const& fields) {
  std::string text(id);
  std::size_t last = 0;
  for (auto const& [number, value] : fields) {
    text.append(number - last, '|').append(value);
    last = number;
  }
  return text;
}

std::string message(std::vector<std::string> const& segments) {
  std::string text;
  for (std::string const& one : segments) text.append(one).push_back('\r');
  return text;
}

std::string segment(std::string_view message, std::string_view id, std::size_t occurrence) {
  for (std::string const& one : split(message, '\r')) {
    if (!one.starts_with(std::string(id) + "|")) continue;
    if (occurrence-- == 0) return one;
  }
  return {};
}

std::size_t count(std::string_view message, std::string_view id) {
  std::size_t number = 0;
  while (!segment(message, id, number).empty()) ++number;
  return number;
}

std::string field(std::string_view message, std::string_view id, std::size_t number, std::size_t occurrence) {
  auto const fields = split(segment(message, id, occurrence), '|');
  std::size_t const index = id == "MSH" ? number - 1 : number;
  return index < fields.size() ? fields[index] : std::string{};
}

std::string component(std::string_view field, std::size_t number) {
  auto const components = split(split(field, '~').front(), '^');
  return number <= components.size() ? components[number - 1] : std::string{};
}

std::string event_of(std::string_view message) {
  std::string const type = field(message, "MSH", 9);
  return component(type, 1) + "^" + component(type, 2);
}

std::string acknowledge(std::string_view text, std::string_view code, std::string_view own_control_id,
                        std::string_view timestamp) {
  std::string const header = "MSH|^~\\&|" + field(text, "MSH", 5) + "|" + field(text, "MSH", 6) + "|" +
                             field(text, "MSH", 3) + "|" + field(text, "MSH", 4) + "|" +
                             std::string(timestamp) + "||ACK^" + component(field(text, "MSH", 9), 2) +
                             "^ACK|" + std::string(own_control_id) + "|P|" + field(text, "MSH", 12);
  return message({header, "MSA|" + std::string(code) + "|" + field(text, "MSH", 10)});
}

}  // namespace partners
