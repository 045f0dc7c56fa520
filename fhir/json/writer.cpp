#include "fhir/json/writer.hpp"

#include <utility>

namespace fhir::json {

namespace {

bool needs_escape(unsigned char byte) { return byte < 0x20 || byte == '"' || byte == '\\'; }

/// Whether any byte must be escaped: without branches, so that it is vectorised. Nearly every string is
/// written as it is.
bool needs_escapes(std::string_view text) {
  unsigned found = 0;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    found |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte == '"') |
             static_cast<unsigned>(byte == '\\');
  }
  return found != 0;
}

void append_escape(unsigned char byte, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (byte) {
    case '"':
      out.append("\\\"");
      break;
    case '\\':
      out.append("\\\\");
      break;
    case '\b':
      out.append("\\b");
      break;
    case '\f':
      out.append("\\f");
      break;
    case '\n':
      out.append("\\n");
      break;
    case '\r':
      out.append("\\r");
      break;
    case '\t':
      out.append("\\t");
      break;
    default:
      out.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
  }
}

}  // namespace

void write_string(std::string_view text, std::string& out) {
  out.push_back('"');
  if (needs_escapes(text)) {
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto const byte = static_cast<unsigned char>(text[i]);
      if (!needs_escape(byte)) continue;
      out.append(text, start, i - start);
      append_escape(byte, out);
      start = i + 1;
    }
    out.append(text, start);
  } else {
    out.append(text);
  }
  out.push_back('"');
}

void write(Element const& element, std::string& out) {
  switch (element.kind()) {
    case Kind::null:
      out.append("null");
      break;
    case Kind::boolean:
    case Kind::number:
      out.append(element.text());
      break;
    case Kind::string:
      write_string(element.text(), out);
      break;
    case Kind::array: {
      out.push_back('[');
      bool first = true;
      for (Element const& item : element.items()) {
        if (!std::exchange(first, false)) out.push_back(',');
        write(item, out);
      }
      out.push_back(']');
      break;
    }
    case Kind::object: {
      out.push_back('{');
      bool first = true;
      for (Member const& member : element.members()) {
        if (!std::exchange(first, false)) out.push_back(',');
        write_string(member.name, out);
        out.push_back(':');
        write(member.value, out);
      }
      out.push_back('}');
      break;
    }
  }
}

std::string write(Element const& element) {
  std::string out;
  write(element, out);
  return out;
}

}  // namespace fhir::json
