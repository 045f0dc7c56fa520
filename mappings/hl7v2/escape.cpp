#include "mappings/hl7v2/escape.hpp"

#include "mappings/hl7v2/charset.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace mappings::hl7v2 {
namespace {

// The delimiter that a one-letter escape stands for; '\0' when it stands for none.
char delimiter_of(char letter, Delimiters const& delimiters) {
  switch (letter) {
    case 'F':
      return delimiters.field;
    case 'S':
      return delimiters.component;
    case 'T':
      return delimiters.subcomponent;
    case 'R':
      return delimiters.repetition;
    case 'E':
      return delimiters.escape;
    case 'P':
      return delimiters.truncation;
    default:
      return '\0';
  }
}

char letter_of(char c, Delimiters const& delimiters) {
  if (c == '\0') return '\0';
  for (char const letter : {'E', 'F', 'S', 'R', 'T', 'P'}) {
    if (delimiter_of(letter, delimiters) == c) return letter;
  }
  return '\0';
}

std::optional<unsigned char> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned char>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned char>(c - 'A' + 10);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned char>(c - 'a' + 10);
  return std::nullopt;
}

bool is_text(std::string_view utf8) {
  for (char const c : utf8) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
  }
  return true;
}

std::optional<std::string> decode_hex(std::string_view digits, std::string_view charset) {
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    auto const high = hex_digit(digits[at]);
    auto const low = hex_digit(digits[at + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<char>(*high * 16 + *low));
  }
  auto text = decode_charset(bytes, charset);
  // decode_charset passes 7-bit bytes through and ICU refuses malformed ones; controls are ours to refuse.
  if (!text || !is_text(*text) || !is_utf8(*text)) return std::nullopt;
  return std::move(*text);
}

// The text of one escape sequence, `body` standing between two escape characters; nullopt: leave it verbatim.
std::optional<std::string> decode_sequence(std::string_view body, Delimiters const& delimiters,
                                           std::string_view charset) {
  if (body.size() == 1) {
    char const c = delimiter_of(body[0], delimiters);
    return c == '\0' ? std::nullopt : std::optional(std::string(1, c));
  }
  if (body == ".br") return "\n";
  if (body.starts_with('X')) return decode_hex(body.substr(1), charset);
  return std::nullopt;
}

// A sequence is at most this long, so that a stray escape character costs no search through a long text. The
// longest with a meaning is \X..\ or \Z..\, which the standard leaves open.
constexpr std::size_t kSequenceMax = 4096;

// The body of the sequence that starts at `raw[at]` (an escape character); nullopt when nothing closes it.
std::optional<std::string_view> sequence_at(std::string_view raw, std::size_t at, char escape) {
  auto const end = raw.substr(0, at + 1 + kSequenceMax).find(escape, at + 1);
  if (end == std::string_view::npos) return std::nullopt;
  return raw.substr(at + 1, end - at - 1);
}

bool is_hex(std::string_view digits) {
  for (char const c : digits) {
    if (!hex_digit(c)) return false;
  }
  return !digits.empty();
}

// Whether a body is one of the standard's commands; "a\b c\d" holds stray backslashes, not a command "b c".
bool is_command(std::string_view body) {
  if (body.empty()) return false;
  if (body.size() == 1) return std::string_view("FSTREPHN").find(body[0]) != std::string_view::npos;
  auto const rest = body.substr(1);
  switch (body[0]) {
    case 'X':
      return is_hex(rest);
    case 'C':
      return is_hex(rest) && rest.size() == 4;
    case 'M':
      return is_hex(rest) && (rest.size() == 4 || rest.size() == 6);
    default:
      return body[0] == '.' || body[0] == 'Z';
  }
}

void append_hex(std::string& out, unsigned char byte, char escape) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  out += {escape, 'X', kDigits[byte >> 4U], kDigits[byte & 15U], escape};
}

void append_encoded(std::string& out, char c, Delimiters const& delimiters) {
  auto const byte = static_cast<unsigned char>(c);
  if (char const letter = letter_of(c, delimiters); letter != '\0') {
    out += {delimiters.escape, letter, delimiters.escape};
  } else if (c == '\n' && letter_of('.', delimiters) == '\0') {
    out += delimiters.escape;
    out += ".br";
    out += delimiters.escape;
  } else if (byte < 0x20 && c != '\t') {
    append_hex(out, byte, delimiters.escape);
  } else {
    out += c;
  }
}

bool holds_delimiter(std::string_view text, Delimiters const& delimiters) {
  for (char const c : text) {
    if (letter_of(c, delimiters) != '\0') return true;
  }
  return false;
}

void append_sequence(std::string& out, std::string_view body, Delimiters const& from, Delimiters const& to) {
  if (body.size() == 1) {
    if (char const c = delimiter_of(body[0], from); c != '\0') return append_encoded(out, c, to);
  }
  if (body == ".br") return append_encoded(out, '\n', to);
  if (holds_delimiter(body, to)) {  // A command that the new delimiters cannot spell stays readable as text.
    append_encoded(out, from.escape, to);
    for (char const c : body) append_encoded(out, c, to);
    return append_encoded(out, from.escape, to);
  }
  out += to.escape;
  out += body;
  out += to.escape;
}

}  // namespace

std::string decode(std::string_view raw, Delimiters const& delimiters, std::string_view charset) {
  if (raw.find(delimiters.escape) == std::string_view::npos) return std::string(raw);
  std::string text;
  text.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] == delimiters.escape) {
      if (auto const body = sequence_at(raw, at, delimiters.escape); body && is_command(*body)) {
        auto const decoded = decode_sequence(*body, delimiters, charset);
        text += decoded ? std::string_view(*decoded) : raw.substr(at, body->size() + 2);
        at += body->size() + 1;
        continue;
      }
    }
    text += raw[at];
  }
  return text;
}

std::string encode(std::string_view text, Delimiters const& delimiters) {
  std::string raw;
  raw.reserve(text.size());
  for (char const c : text) append_encoded(raw, c, delimiters);
  return raw;
}

std::size_t character_count(std::string_view raw) {
  std::size_t count = 0;
  for (char const c : raw) count += static_cast<std::size_t>((static_cast<unsigned char>(c) & 0xC0U) != 0x80);
  return count;
}

bool cut_text(std::string& raw, std::size_t characters, char escape) {
  std::size_t count = 0;
  std::size_t kept = 0;  // bytes of whole characters and sequences that fit
  for (std::size_t at = 0; at < raw.size();) {
    std::size_t next = at + 1;
    if (raw[at] == escape) {
      if (auto const body = sequence_at(raw, at, escape); body && is_command(*body))
        next = at + body->size() + 2;
    }
    while (next < raw.size() && (static_cast<unsigned char>(raw[next]) & 0xC0U) == 0x80) ++next;
    count += character_count(std::string_view(raw).substr(at, next - at));
    if (count <= characters) kept = next;
    at = next;
  }
  if (count <= characters) return false;
  raw.resize(kept);
  return true;
}

std::string re_encode(std::string_view raw, Delimiters const& from, Delimiters const& to) {
  if (from == to) return std::string(raw);
  std::string out;
  out.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size(); ++at) {
    char const c = raw[at];
    if (c == from.escape) {
      if (auto const body = sequence_at(raw, at, from.escape); body && is_command(*body)) {
        append_sequence(out, *body, from, to);
        at += body->size() + 1;
      } else if (from.escape == to.escape) {
        out += c;
      } else {
        append_encoded(out, c, to);
      }
    } else if (c == from.field) {
      out += to.field;
    } else if (c == from.component) {
      out += to.component;
    } else if (c == from.repetition) {
      out += to.repetition;
    } else if (from.subcomponent != '\0' && c == from.subcomponent) {
      out += to.subcomponent;
    } else {
      append_encoded(out, c, to);
    }
  }
  return out;
}

}  // namespace mappings::hl7v2
