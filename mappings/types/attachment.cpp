/// ED and RP and FHIR Attachment.
/// Source: HL7 v2.5.1 2.A.24 (ED), 2.A.64 (RP); tables 0191 (type), 0291 (subtype), 0299 (encoding).
#include "mappings/types/families.hpp"

#include <array>
#include <string>

namespace mappings::types {

namespace {

constexpr std::pair<std::string_view, std::string_view> kContentTypes[] = {
    {"PDF", "application/pdf"}, {"RTF", "application/rtf"},
    {"HTML", "text/html"},      {"XML", "text/xml"},
    {"JPEG", "image/jpeg"},     {"JPG", "image/jpeg"},
    {"GIF", "image/gif"},       {"TIFF", "image/tiff"},
    {"PNG", "image/png"},       {"DICOM", "application/dicom"},
    {"PLAIN", "text/plain"},    {"TXT", "text/plain"}};

std::string_view content_type(std::string_view type, std::string_view subtype, Arena& arena) {
  for (auto const& [v2, mime] : kContentTypes) {
    if (equals_ignoring_case(v2, subtype)) return mime;
  }
  if (subtype.find('/') != std::string_view::npos) return subtype;
  if (type.empty() || subtype.empty()) return {};
  std::string made;
  for (char const c : type) made += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (made != "application" && made != "text" && made != "image" && made != "audio" && made != "video" &&
      made != "multipart")
    return {};
  made += '/';
  made += subtype;
  return arena.copy(made);
}

void write_content_type(std::string_view mime, Out& out) {
  for (auto const& [v2, known] : kContentTypes) {
    if (known != mime) continue;
    std::string_view const head = mime.substr(0, mime.find('/'));
    out.set(2, head == "application" ? "AP" : head == "text" ? "TEXT" : head == "image" ? "IM" : head);
    out.set(3, v2);
    return;
  }
  auto const slash = mime.find('/');
  if (slash == std::string_view::npos) return;
  out.set(2, mime.substr(0, slash));
  out.set(3, mime.substr(slash + 1));
}

bool is_base64(std::string_view text) {
  return text.size() % 4 == 0 &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
             std::string_view::npos;
}

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (at + k < bytes.size() ? static_cast<unsigned char>(bytes[at + k]) : 0U);
    std::size_t const have = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kAlphabet[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool read_ed(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const encoding = in.part(4);
  std::string_view data = in.part(5);
  if (data.empty()) return false;
  if (equals_ignoring_case(encoding, "Base64")) {
    std::string packed;
    for (char const c : data) {
      if (c != ' ' && c != '\r' && c != '\n') packed += c;
    }
    if (packed.size() != data.size()) data = arena.copy(packed);
    if (!is_base64(data)) return false;
  } else {
    data = arena.copy(to_base64(data));
  }
  std::string_view const mime = content_type(in.part(2), in.part(3), arena);
  if (!mime.empty()) out.set(arena, "contentType", Element::of_string(mime));
  out.set(arena, "data", Element::of_string(data));
  return true;
}

bool write_ed(Element const& value, Out& out) {
  std::string_view const data = value.text_at("data");
  if (data.empty()) return false;
  write_content_type(value.text_at("contentType"), out);
  out.set(4, "Base64");
  out.set(5, data);
  return true;
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t word = 0;
  int bits = 0;
  for (char const c : text) {
    auto const digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) break;
    word = word << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(word >> bits & 255U);
  }
  return out;
}

/// Text as a document of its own.
bool read_text(In& in, Element& out) {
  std::string_view const text = in.part(1);
  if (text.empty()) return false;
  out.set(in.arena(), "contentType", Element::of_string("text/plain"));
  out.set(in.arena(), "data", Element::of_string(in.keep(to_base64(text))));
  return true;
}

bool write_text(Element const& value, Out& out) {
  if (value.text_at("contentType").substr(0, 10) != "text/plain") return false;
  out.set(1, from_base64(value.text_at("data")));
  return !out.empty();
}

bool read_rp(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const pointer = in.part(1);
  if (pointer.empty()) return false;
  std::string_view const mime = content_type(in.part(3), in.part(4), arena);
  if (!mime.empty()) out.set(arena, "contentType", Element::of_string(mime));
  out.set(arena, "url", Element::of_string(pointer));
  return true;
}

bool write_rp(Element const& value, Out& out) {
  out.set(1, value.text_at("url"));
  if (out.empty()) return false;
  Out type(*out.context);
  write_content_type(value.text_at("contentType"), type);
  for (Leaf const& leaf : type.leaves) out.set(leaf.part + 1U, leaf.text);
  return true;
}

constexpr std::array kPairs = {
    Pair{.name = "ED~Attachment", .forward = read_ed, .reverse = write_ed},
    Pair{.name = "ST~Attachment", .forward = read_text, .reverse = write_text},
    Pair{.name = "RP~Attachment", .forward = read_rp, .reverse = write_rp},
};

}  // namespace

std::span<Pair const> attachment_pairs() { return kPairs; }

}  // namespace mappings::types
