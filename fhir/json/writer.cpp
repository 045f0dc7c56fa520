#include "fhir/json/writer.hpp"

#include "fhir/json/sink.hpp"

#include <utility>

namespace fhir::json {

namespace {

/// The letter of a short escape, 0 where there is none.
char escape_letter(unsigned char byte) {
  switch (byte) {
    case '"':
    case '\\':
      return static_cast<char>(byte);
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

}  // namespace

void Sink::grow(std::size_t size, std::size_t bytes) {
  // As much again as was written: what many sinks append to one string is not cleared again and again.
  out_.resize(size + std::max(bytes + kRoomMin, size - begin_));
  at_ = out_.data() + size;
  end_ = out_.data() + out_.size();
}

void Sink::put_escaped(std::string_view text, std::size_t plain) {
  static constexpr char kHex[] = "0123456789abcdef";
  at_ += 1 + plain;
  for (char const c : text.substr(plain)) {
    auto const byte = static_cast<unsigned char>(c);
    if (char const letter = escape_letter(byte); letter != 0) {
      put('\\');
      put(letter);
    } else if (byte < 0x20) {
      put("\\u00");
      put(kHex[byte >> 4U]);
      put(kHex[byte & 15U]);
    } else {
      put(c);
    }
  }
  put('"');
}

void write(Element const& element, Sink& sink) {
  switch (element.kind()) {
    case Kind::null:
      sink.put("null");
      break;
    case Kind::boolean:
    case Kind::number:
      sink.put(element.text());
      break;
    case Kind::string:
      sink.put_string(element.text());
      break;
    case Kind::array: {
      sink.put('[');
      bool first = true;
      for (Element const& item : element.items()) {
        if (!std::exchange(first, false)) sink.put(',');
        write(item, sink);
      }
      sink.put(']');
      break;
    }
    case Kind::object: {
      sink.put('{');
      bool first = true;
      for (Member const& member : element.members()) {
        if (!std::exchange(first, false)) sink.put(',');
        sink.put_string(member.name);
        sink.put(':');
        write(member.value, sink);
      }
      sink.put('}');
      break;
    }
  }
}

void write_string(std::string_view text, std::string& out) { Sink(out).put_string(text); }

void write(Element const& element, std::string& out) {
  Sink sink(out);
  write(element, sink);
}

std::string write(Element const& element) {
  std::string out;
  write(element, out);
  return out;
}

}  // namespace fhir::json
