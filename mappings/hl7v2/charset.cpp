#include "mappings/hl7v2/charset.hpp"

#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace mappings::hl7v2 {
namespace {

struct Alias {
  std::string_view name;  // Upper case, of table 0211 or as senders spell it.
  char const* converter;
};

constexpr std::array kAliases{
    Alias{"ASCII", "US-ASCII"},
    Alias{"ISO IR6", "US-ASCII"},
    Alias{"ISO-IR6", "US-ASCII"},
    Alias{"8859/1", "ISO-8859-1"},
    Alias{"8859/2", "ISO-8859-2"},
    Alias{"8859/3", "ISO-8859-3"},
    Alias{"8859/4", "ISO-8859-4"},
    Alias{"8859/5", "ISO-8859-5"},
    Alias{"8859/6", "ISO-8859-6"},
    Alias{"8859/7", "ISO-8859-7"},
    Alias{"8859/8", "ISO-8859-8"},
    Alias{"8859/9", "ISO-8859-9"},
    Alias{"8859/10", "ISO-8859-10"},
    Alias{"8859/13", "ISO-8859-13"},
    Alias{"8859/14", "ISO-8859-14"},
    Alias{"8859/15", "ISO-8859-15"},
    Alias{"ISO IR14", "JIS8"},
    Alias{"ISO IR87", "ISO-2022-JP-1"},
    Alias{"ISO IR159", "ISO-2022-JP-1"},
    Alias{"GB 18030-2000", "GB18030"},
    Alias{"KS X 1001", "EUC-KR"},
    Alias{"CNS 11643-1992", "EUC-TW"},
    Alias{"BIG-5", "Big5"},
    Alias{"UNICODE", "UTF-8"},
    Alias{"UNICODE UTF-8", "UTF-8"},
    Alias{"UTF8", "UTF-8"},
    Alias{"UNICODE UTF-16", "UTF-16"},
    Alias{"UNICODE UTF-32", "UTF-32"},
};

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter open_strict(std::string const& name) {
  UErrorCode status = U_ZERO_ERROR;
  Converter converter(ucnv_open(name.c_str(), &status));
  if (U_FAILURE(status)) return nullptr;
  ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  ucnv_setFromUCallBack(converter.get(), UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  ucnv_setFallback(converter.get(), false);
  return U_FAILURE(status) ? nullptr : std::move(converter);
}

// A 7-bit text without ESC reads the same in every set here but the wide ones.
bool is_plain(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x80 && byte != 0x1b;
  });
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_wide(std::string_view converter) {
  return converter.starts_with("UTF-16") || converter.starts_with("UTF-32");
}

fhir::Issue unknown(std::string_view charset) {
  return fhir::error(
      fhir::IssueType::not_supported,
      "the character set \"" + std::string(charset) + "\" is not known; use a name of HL7 table 0211", "",
      "MSH-18");
}

struct Conversion {
  std::string text;
  std::size_t consumed = 0;  // Bytes of the source read before the first that could not be converted.
  bool complete = false;
};

Conversion convert(UConverter* to, UConverter* from, std::string_view source) {
  Conversion result;
  std::array<UChar, 2048> pivot{};
  UChar* pivot_source = pivot.data();
  UChar* pivot_target = pivot.data();
  std::array<char, 4096> chunk{};
  char const* at = source.data();
  char const* const end = at + source.size();
  for (bool reset = true;; reset = false) {
    UErrorCode status = U_ZERO_ERROR;
    char* target = chunk.data();
    ucnv_convertEx(to, from, &target, chunk.data() + chunk.size(), &at, end, pivot.data(), &pivot_source,
                   &pivot_target, pivot.data() + pivot.size(), reset, true, &status);
    result.text.append(chunk.data(), static_cast<std::size_t>(target - chunk.data()));
    if (status == U_BUFFER_OVERFLOW_ERROR) continue;
    result.consumed = static_cast<std::size_t>(at - source.data());
    result.complete = U_SUCCESS(status) != 0;
    return result;
  }
}

// "PID-5" for an offset into a message's text; "" where the text is no message.
std::string place_of(std::string_view text, std::size_t offset) {
  if (!text.starts_with("MSH") || text.size() < 4) return {};
  char const separator = text[3];
  auto const line = text.substr(0, offset).rfind('\r');
  auto const begin = line == std::string_view::npos ? 0 : line + 1;
  auto const segment = text.substr(begin);
  auto const id = segment.substr(0, segment.find_first_of(std::string{separator, '\r'}));
  auto const before = text.substr(begin, offset - begin);
  auto const number = std::count(before.begin(), before.end(), separator) + (id == "MSH" ? 1 : 0);
  return std::string(id) + "-" + std::to_string(number);
}

// Where the first character stands that the set lacks: asked one by one, since ICU counts in its own chunks.
std::size_t first_unencodable(UConverter* to, std::string_view utf8) {
  std::int32_t at = 0;
  auto const length = static_cast<std::int32_t>(utf8.size());
  while (at < length) {
    std::int32_t const begin = at;
    UChar32 character = 0;
    U8_NEXT(utf8.data(), at, length, character);
    if (character < 0) return static_cast<std::size_t>(begin);
    std::array<UChar, 2> units{};
    std::int32_t count = 0;
    U16_APPEND_UNSAFE(units.data(), count, character);
    std::array<char, 32> out{};
    UErrorCode status = U_ZERO_ERROR;
    ucnv_reset(to);
    ucnv_fromUChars(to, out.data(), static_cast<std::int32_t>(out.size()), units.data(), count, &status);
    if (U_FAILURE(status)) return static_cast<std::size_t>(begin);
  }
  return utf8.size();
}

}  // namespace

std::string to_converter_name(std::string_view charset) {
  std::string upper(charset);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (auto const& alias : kAliases) {
    if (alias.name == upper) return alias.converter;
  }
  // Only names that ICU itself lists; ucnv_open guesses at others.
  UErrorCode status = U_ZERO_ERROR;
  char const* const standard = ucnv_getStandardName(upper.c_str(), "IANA", &status);
  return U_SUCCESS(status) && standard != nullptr ? standard : "";
}

bool is_utf8(std::string_view bytes) {
  auto const* const data = reinterpret_cast<std::uint8_t const*>(bytes.data());
  std::size_t at = 0;
  while (at < bytes.size()) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080U;
    std::uint64_t block = 0;
    if (at + sizeof block <= bytes.size()) {
      std::memcpy(&block, data + at, sizeof block);
      if ((block & kHighBits) == 0) {
        at += sizeof block;
        continue;
      }
    }
    if (data[at] < 0x80) {
      ++at;
      continue;
    }
    UChar32 character = 0;
    U8_NEXT(data, at, bytes.size(), character);
    if (character < 0) return false;
  }
  return true;
}

fhir::Result<std::string> decode_charset(std::string_view bytes, std::string_view charset) {
  auto const name = to_converter_name(charset.empty() ? "UNICODE UTF-8" : charset);
  if (!is_wide(name) && is_plain(bytes)) return std::string(bytes);
  auto const from = name.empty() ? nullptr : open_strict(name);
  if (!from) return unknown(charset);
  auto const to = open_strict("UTF-8");
  auto result = convert(to.get(), from.get(), bytes);
  if (result.complete) return std::move(result.text);
  return fhir::error(fhir::IssueType::value,
                     "the bytes are not valid in the character set " + name + " (after byte " +
                         std::to_string(result.consumed) + ")",
                     "", place_of(result.text, result.text.size()));
}

fhir::Result<std::string> encode_charset(std::string_view utf8, std::string_view charset) {
  auto const name = to_converter_name(charset.empty() ? "UNICODE UTF-8" : charset);
  if (!is_wide(name) && is_plain(utf8)) return std::string(utf8);
  if (name == "UTF-8" && is_utf8(utf8)) return std::string(utf8);
  bool const marked = name == "UTF-16" || name == "UTF-32";
  auto const to = name.empty() ? nullptr : open_strict(marked ? name + "LE" : name);
  if (!to) return unknown(charset);
  auto const from = open_strict("UTF-8");
  auto result = convert(to.get(), from.get(), marked ? std::string(kByteOrderMark).append(utf8) : utf8);
  if (result.complete) return std::move(result.text);
  return fhir::error(fhir::IssueType::value, "a character is not in the receiver's character set " + name, "",
                     place_of(utf8, first_unencodable(to.get(), utf8)));
}

}  // namespace mappings::hl7v2
