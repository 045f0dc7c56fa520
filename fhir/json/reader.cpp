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
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

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

bool has_duplicate(std::span<Member const> members) {
  if (members.size() > kScanMembersMax) {
    std::unordered_set<std::string_view> seen;
    return !std::ranges::all_of(members, [&](Member const& one) { return seen.insert(one.name).second; });
  }
  // Names that differ in length, first or last letter mostly have bits of their own: only the others are
  // compared.
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < members.size(); ++at) {
    std::string_view const name = members[at].name;
    unsigned const ends = name.empty() ? 0U
                                       : static_cast<unsigned char>(name.front()) * 7U +
                                             static_cast<unsigned char>(name.back()) * 13U;
    std::uint64_t const bit = std::uint64_t{1} << ((ends + name.size()) % 64);
    if ((seen & bit) != 0 &&
        std::ranges::any_of(members.first(at), [&](Member const& one) { return is_same(one.name, name); }))
      return true;
    seen |= bit;
  }
  return false;
}

/// Builds the tree. Children are gathered on one stack, each behind its name, and copied into the arena when
/// their parent closes, so that every array and object takes exactly its size.
class TreeBuilder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, TreeBuilder> {
 public:
  /// `in_place`: the texts that it is given lie in the arena already.
  TreeBuilder(Arena& arena, bool in_place) : arena_(arena), in_place_(in_place) {
    values_.reserve(kOpenUsual);
  }

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
    name_ = keep({text, size});
    return true;
  }
  bool StartObject() { return open(); }
  bool StartArray() { return open(); }
  bool EndObject(rapidjson::SizeType count) {
    auto const members = std::span(values_).last(count);
    if (has_duplicate(members))
      return refuse(IssueType::structure, "a member name stands twice in one object");
    return close(count, Element::of_members(arena_, members));
  }
  bool EndArray(rapidjson::SizeType count) {
    items_.clear();
    for (Member const& item : std::span(values_).last(count)) items_.push_back(item.value);
    return close(count, Element::of_items(arena_, items_));
  }

  Element root() const { return values_.front().value; }
  Issue const& issue() const { return issue_; }

 private:
  std::string_view keep(std::string_view text) { return in_place_ ? text : arena_.copy(text); }
  bool add(Element element) {
    values_.push_back({name_, element});
    return true;
  }
  bool open() {
    if (++depth_ > kDepthMax)
      return refuse(IssueType::too_costly, "nested deeper than " + std::to_string(kDepthMax) + " levels");
    names_[static_cast<std::size_t>(depth_ - 1)] = name_;
    return true;
  }
  bool close(std::size_t children, Element element) {
    name_ = names_[static_cast<std::size_t>(--depth_)];
    values_.resize(values_.size() - children);
    return add(element);
  }
  bool refuse(IssueType code, std::string why) {
    issue_ = error(code, std::move(why));
    return false;
  }

  Arena& arena_;
  bool in_place_;
  static constexpr std::size_t kOpenUsual = 128;  // values whose parent is not closed yet

  std::vector<Member> values_;
  std::vector<Element> items_;                       // reused
  std::string_view name_;                            // of the value that comes next
  std::array<std::string_view, kDepthMax> names_{};  // of the objects and arrays that are open
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
