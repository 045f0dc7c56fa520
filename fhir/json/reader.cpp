#include "fhir/json/reader.hpp"

// RapidJSON's assertions would abort the process; a broken invariant there is a logic error like any other.
#include <stdexcept>
#define RAPIDJSON_ASSERT(condition)                                     \
  do {                                                                  \
    if (!(condition)) throw std::logic_error("RapidJSON: " #condition); \
  } while (false)

#ifdef __SSE4_2__
#define RAPIDJSON_SSE42
#endif

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <string>
#include <unordered_set>

namespace fhir::json {

namespace {

constexpr unsigned kFlags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
constexpr unsigned kCheckedFlags = kFlags | rapidjson::kParseValidateEncodingFlag;
constexpr unsigned kInPlaceFlags = kFlags | rapidjson::kParseInsituFlag;

// RapidJSON reads sixteen bytes at a time and may look this far behind the end.
constexpr std::size_t kPadding = 16;

/// The length of the well-formed UTF-8 sequence at `bytes[at]`, whose first byte is no ASCII; 0: there is
/// none. Source: The Unicode Standard, table 3-7.
std::size_t sequence_length(std::string_view bytes, std::size_t at) {
  auto const byte = [&](std::size_t offset) {
    return at + offset < bytes.size() ? static_cast<unsigned char>(bytes[at + offset]) : 0U;
  };
  auto const follows = [&](std::size_t offset, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(offset) >= low && byte(offset) <= high;
  };
  unsigned const lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    bool const second = follows(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && follows(2) ? 3 : 0;
  }
  if (lead < 0xF0 || lead > 0xF4) return 0;
  bool const second = follows(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
  return second && follows(2) && follows(3) ? 4 : 0;
}

/// UTF-8 without NUL: nothing to validate any more, and a NUL can end it.
bool is_sound(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes.size() - at >= 64) {
      unsigned found = 0;
      for (std::size_t i = 0; i < 64; ++i) {
        auto const byte = static_cast<unsigned char>(bytes[at + i]);
        found |= static_cast<unsigned>(byte >= 0x80) | static_cast<unsigned>(byte == 0);
      }
      if (found == 0) {
        at += 64;
        continue;
      }
    }
    auto const byte = static_cast<unsigned char>(bytes[at]);
    std::size_t const length = byte >= 0x80 ? sequence_length(bytes, at) : byte != 0 ? 1 : 0;
    if (length == 0) return false;
    at += length;
  }
  return true;
}

// Above this many members a set finds duplicates; below, a scan is faster.
constexpr std::size_t kScanMembersMax = 24;

/// Whether a byte is a control character or could begin a surrogate: without branches, so that it is
/// vectorised.
bool is_suspicious(std::string_view text) {
  unsigned found = 0;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    found |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte == 0xED);
  }
  return found != 0;
}

/// What JSON may write and FHIR forbids, or ""; `text` is decoded. RapidJSON refuses a high surrogate without
/// its low one, but writes an escaped low one alone as if it were a character.
std::string_view find_forbidden(std::string_view text) {
  if (!is_suspicious(text)) return {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return "a control character";
    if (byte == 0xED && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xA0)
      return "a lone surrogate";
  }
  return {};
}

/// Builds the tree. Children are gathered on one stack and copied into the arena when their parent closes, so
/// that every array and object takes exactly its size.
class TreeBuilder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, TreeBuilder> {
 public:
  /// `in_place`: the texts that it is given lie in the arena already.
  TreeBuilder(Arena& arena, bool in_place) : arena_(arena), in_place_(in_place) {}

  bool Null() { return add(Element{}); }
  bool Bool(bool value) { return add(Element::of_boolean(value)); }
  bool RawNumber(char const* digits, rapidjson::SizeType size, bool) {
    return add(Element::of_number(keep({digits, size})));
  }
  bool String(char const* text, rapidjson::SizeType size, bool) {
    if (auto const forbidden = find_forbidden({text, size}); !forbidden.empty()) {
      return refuse(IssueType::structure, std::string("a string holds ").append(forbidden));
    }
    return add(Element::of_string(keep({text, size})));
  }
  bool Key(char const* text, rapidjson::SizeType size, bool) {
    if (auto const forbidden = find_forbidden({text, size}); !forbidden.empty()) {
      return refuse(IssueType::structure, std::string("a name holds ").append(forbidden));
    }
    names_.push_back(keep({text, size}));
    return true;
  }
  bool StartObject() { return open(); }
  bool StartArray() { return open(); }
  bool EndObject(rapidjson::SizeType count) {
    auto const first = values_.end() - count;
    auto const names = std::span(names_).last(count);
    if (has_duplicate(names)) return refuse(IssueType::structure, "a member name stands twice in one object");
    Element object = Element::of_object();
    auto value = first;
    for (std::string_view name : names) object.append_unchecked(arena_, name, *value++);
    names_.resize(names_.size() - count);
    return close(first, object);
  }
  bool EndArray(rapidjson::SizeType count) {
    auto const first = values_.end() - count;
    Element array = Element::of_array();
    for (auto item = first; item != values_.end(); ++item) array.push(arena_, *item);
    return close(first, array);
  }

  Element root() const { return values_.front(); }
  Issue const& issue() const { return issue_; }

 private:
  std::string_view keep(std::string_view text) { return in_place_ ? text : arena_.copy(text); }
  bool add(Element element) {
    values_.push_back(element);
    return true;
  }
  bool open() {
    if (++depth_ > kDepthMax)
      return refuse(IssueType::too_costly, "nested deeper than " + std::to_string(kDepthMax) + " levels");
    return true;
  }
  bool close(std::vector<Element>::iterator first, Element element) {
    --depth_;
    values_.erase(first, values_.end());
    return add(element);
  }
  bool has_duplicate(std::span<std::string_view const> names) {
    if (names.size() <= kScanMembersMax) {
      for (std::size_t i = 1; i < names.size(); ++i) {
        if (std::ranges::find(names.first(i), names[i]) != names.first(i).end()) return true;
      }
      return false;
    }
    seen_.clear();
    return !std::ranges::all_of(names, [&](std::string_view name) { return seen_.insert(name).second; });
  }
  bool refuse(IssueType code, std::string why) {
    issue_ = error(code, std::move(why));
    return false;
  }

  Arena& arena_;
  bool in_place_;
  std::vector<Element> values_;
  std::vector<std::string_view> names_;
  std::unordered_set<std::string_view> seen_;
  int depth_ = 0;
  Issue issue_;
};

std::string to_line_and_column(std::string_view bytes, std::size_t offset) {
  auto const before = bytes.substr(0, std::min(offset, bytes.size()));
  auto const line = 1 + std::ranges::count(before, '\n');
  auto const column =
      before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
  return "line " + std::to_string(line) + " column " + std::to_string(column);
}

}  // namespace

Result<Element> read(std::string_view bytes, Arena& arena) {
  bool const sound = is_sound(bytes);
  TreeBuilder builder(arena, sound);
  rapidjson::Reader reader;
  rapidjson::ParseResult outcome;
  if (sound) {
    // The arena's own copy is decoded where it stands, and names and texts are views into it.
    auto* const copy = static_cast<char*>(arena.allocate(bytes.size() + kPadding, kPadding));
    std::fill_n(std::ranges::copy(bytes, copy).out, kPadding, '\0');
    rapidjson::InsituStringStream stream(copy);
    outcome = reader.Parse<kInPlaceFlags>(stream, builder);
  } else {
    rapidjson::MemoryStream stream(bytes.data(), bytes.size());
    outcome = reader.Parse<kCheckedFlags>(stream, builder);
  }
  if (!outcome.IsError()) return builder.root();
  Issue issue = builder.issue();
  if (outcome.Code() != rapidjson::kParseErrorTermination) {
    issue = error(IssueType::structure, rapidjson::GetParseError_En(outcome.Code()));
  }
  issue.source = to_line_and_column(bytes, outcome.Offset());
  return issue;
}

Result<Document> read_document(std::string_view bytes) {
  Document document;
  FHIR_TRY(document.root, read(bytes, document.arena));
  return document;
}

}  // namespace fhir::json
