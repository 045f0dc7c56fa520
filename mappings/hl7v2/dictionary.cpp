#include "mappings/hl7v2/dictionary.hpp"

#include "mappings/hl7v2/dictionary/tables.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace mappings::hl7v2 {
namespace {

using tables::NodeKind;

constexpr std::array<std::string_view, 11> kVersionNames{"2.1",   "2.2", "2.3", "2.3.1", "2.4", "2.5",
                                                         "2.5.1", "2.6", "2.7", "2.7.1", "2.8"};

std::string_view text_of(tables::Text number) {
  auto const begin = tables::kTextBegin[number];
  return {tables::kText.data() + begin, tables::kTextBegin[number + 1U] - begin};
}

/// The first eight characters as a number that sorts as they do: nearly every name is told by it.
std::uint64_t key_of(std::string_view name) {
  std::uint64_t key = 0;
  for (std::size_t at = 0; at < sizeof(key); ++at) {
    key = key << 8U | (at < name.size() ? static_cast<unsigned char>(name[at]) : 0U);
  }
  return key;
}

template <class Row>
class RowIndex {
 public:
  explicit RowIndex(std::span<Row const> rows) : rows_(rows) {
    keys_.reserve(rows.size());
    for (Row const& row : rows) keys_.push_back(key_of(text_of(row.name)));
  }

  Row const* find(std::string_view name) const {
    auto const key = key_of(name);
    auto at = static_cast<std::size_t>(std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin());
    for (; at < keys_.size() && keys_[at] == key; ++at) {
      if (text_of(rows_[at].name) == name) return &rows_[at];
    }
    return nullptr;
  }

 private:
  std::span<Row const> rows_;
  std::vector<std::uint64_t> keys_;
};

/// The rows of one version by their names.
struct VersionIndex {
  explicit VersionIndex(tables::VersionRow const& version)
      : segments(version.segments), types(version.types), structures(version.structures) {}
  RowIndex<tables::ListRow> segments, types;
  RowIndex<tables::StructureRow> structures;
};

/// The tables as the types of the header, built once at first use.
class Dictionary {
 public:
  static Dictionary const& get() {
    static Dictionary const dictionary;
    return dictionary;
  }

  FieldDefinition const* field(tables::ListRow const* list, std::size_t number) const {
    if (list == nullptr || number == 0 || number > list->count) return nullptr;
    return listed_fields_[list->first + number - 1];
  }

  std::span<FieldDefinition const* const> fields(tables::ListRow const* list) const {
    if (list == nullptr) return {};
    return std::span(listed_fields_).subspan(list->first, list->count);
  }

  GrammarNode const* root(tables::StructureRow const* row) const {
    auto const offset = static_cast<std::size_t>(row - tables::kVersions.front().structures.data());
    return &roots_[offset];
  }

  VersionIndex const& version(std::size_t at) const { return versions_[at]; }

 private:
  Dictionary() {
    fields_.reserve(tables::kFields.size());
    for (auto const& row : tables::kFields) {
      fields_.push_back(
          {text_of(row.type), text_of(row.name), row.optionality, row.repeats, row.length, row.table});
    }
    listed_fields_.reserve(tables::kFieldLists.size());
    for (auto const row : tables::kFieldLists) {
      listed_fields_.push_back(row == kUnused ? nullptr : &fields_[row]);
    }
    nodes_.resize(tables::kNodes.size());
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      auto const& row = tables::kNodes[at];
      nodes_[at] = {text_of(row.name),
                    row.min,
                    row.max,
                    row.kind == NodeKind::group,
                    row.kind == NodeKind::choice,
                    children(row.first_child, row.child_count)};
    }
    for (auto const& version : tables::kVersions) versions_.emplace_back(version);
    // All structure rows lie in one array, of which each version names a part.
    auto const* const first = tables::kVersions.front().structures.data();
    std::size_t count = 0;
    for (auto const& version : tables::kVersions) {
      count = std::max(
          count, static_cast<std::size_t>(version.structures.data() - first) + version.structures.size());
    }
    roots_.reserve(count);
    for (std::size_t at = 0; at < count; ++at) {
      roots_.push_back({text_of(first[at].name), 1, 1, true, false,
                        children(first[at].first_child, first[at].child_count)});
    }
  }

  std::span<GrammarNode const> children(std::uint32_t first, std::size_t count) const {
    return {nodes_.data() + first, count};
  }

  static constexpr std::uint16_t kUnused = 0xffff;

  std::vector<FieldDefinition> fields_;
  std::vector<FieldDefinition const*> listed_fields_;  // as tables::kFieldLists
  std::vector<GrammarNode> nodes_;
  std::vector<GrammarNode> roots_;
  std::vector<VersionIndex> versions_;
};

VersionIndex const& index_of(Version version) {
  return Dictionary::get().version(static_cast<std::size_t>(version));
}

tables::EventRow const* find_event(std::string_view code, std::string_view event) {
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  if (code.size() > sizeof(std::uint64_t) || event.size() > sizeof(std::uint64_t)) return nullptr;
  auto const before = [](tables::EventRow const& row, Key const& key) {
    return Key(key_of(text_of(row.code)), key_of(text_of(row.event))) < key;
  };
  auto const at = std::lower_bound(tables::kEvents.begin(), tables::kEvents.end(),
                                   Key(key_of(code), key_of(event)), before);
  return at != tables::kEvents.end() && text_of(at->code) == code && text_of(at->event) == event ? &*at
                                                                                                 : nullptr;
}

/// "ADT_A04" -> "ADT_A01"; the name itself where it is no event's own name.
std::string_view family_of(std::string_view structure) {
  auto const cut = structure.find('_');
  if (cut == std::string_view::npos) return structure;
  auto const* const event = find_event(structure.substr(0, cut), structure.substr(cut + 1));
  return event == nullptr ? structure : text_of(event->structure);
}

/// The name, its family, and the family's other events, in the order in which they serve for it.
std::vector<std::string> alternatives(std::string_view structure) {
  std::vector<std::string> names{std::string(structure)};
  auto const family = family_of(structure);
  if (family != structure) names.emplace_back(family);
  for (auto const& event : tables::kEvents) {
    if (text_of(event.structure) != family) continue;
    auto name = std::string(text_of(event.code)) + "_" + std::string(text_of(event.event));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

tables::StructureRow const* find_in(std::size_t version, std::vector<std::string> const& names) {
  for (auto const& name : names) {
    if (auto const* const row = Dictionary::get().version(version).structures.find(name)) return row;
  }
  return nullptr;
}

/// The dictionary's own copy of a structure's name, from the newest version that has it; "" when none has.
std::string_view known_name(std::string_view structure) {
  for (std::size_t at = tables::kVersions.size(); at-- > 0;) {
    if (auto const* const row = Dictionary::get().version(at).structures.find(structure))
      return text_of(row->name);
  }
  return {};
}

}  // namespace

std::optional<Version> to_version(std::string_view text) {
  if (text == "2.8.1" || text == "2.8.2" || text == "2.9") return Version::v2_8;
  auto const at = std::find(kVersionNames.begin(), kVersionNames.end(), text);
  if (at == kVersionNames.end()) return std::nullopt;
  return static_cast<Version>(at - kVersionNames.begin());
}

std::string_view to_text(Version version) { return kVersionNames[static_cast<std::size_t>(version)]; }

FieldDefinition const* find_field(Version version, std::string_view segment, std::size_t number) {
  return Dictionary::get().field(index_of(version).segments.find(segment), number);
}

std::span<FieldDefinition const* const> fields_of(Version version, std::string_view segment) {
  return Dictionary::get().fields(index_of(version).segments.find(segment));
}

FieldDefinition const* find_component(Version version, std::string_view data_type, std::size_t number) {
  return Dictionary::get().field(index_of(version).types.find(data_type), number);
}

std::size_t field_count(Version version, std::string_view segment) {
  auto const* const row = index_of(version).segments.find(segment);
  return row == nullptr ? 0 : row->count;
}

std::size_t component_count(Version version, std::string_view data_type) {
  auto const* const row = index_of(version).types.find(data_type);
  return row == nullptr ? 0 : row->count;
}

StructureLookup find_structure(Version version, std::string_view structure) {
  auto const at = static_cast<std::size_t>(version);
  if (auto const* const row = index_of(version).structures.find(structure))
    return {Dictionary::get().root(row), true};
  auto const names = alternatives(structure);
  if (auto const* const row = find_in(at, names)) return {Dictionary::get().root(row), true};
  for (std::size_t distance = 1; distance < tables::kVersions.size(); ++distance) {
    if (at + distance < tables::kVersions.size()) {
      if (auto const* const row = find_in(at + distance, names)) return {Dictionary::get().root(row), false};
    }
    if (distance <= at) {
      if (auto const* const row = find_in(at - distance, names)) return {Dictionary::get().root(row), false};
    }
  }
  return {};
}

std::optional<Version> lowest_version_of(std::string_view structure) {
  for (int version = 0; version <= static_cast<int>(Version::v2_8); ++version) {
    if (find_structure(static_cast<Version>(version), structure).exact) return static_cast<Version>(version);
  }
  return std::nullopt;
}

std::string_view structure_of_event(std::string_view message_code, std::string_view trigger_event) {
  if (message_code == "ACK" || message_code == "MCF") return known_name("ACK");
  if (auto const* const event = find_event(message_code, trigger_event)) return text_of(event->structure);
  if (trigger_event.empty()) {
    // 2.1 and 2.2 had one event for these messages and often left it out.
    if (message_code == "ORU") return known_name("ORU_R01");
    if (message_code == "ORM") return known_name("ORM_O01");
  }
  return known_name(std::string(message_code) + "_" + std::string(trigger_event));
}

std::string_view structure_of(Message const& message) {
  auto const stated = message.raw({0, 9, 1, 3});
  if (!stated.empty()) {
    if (auto const known = known_name(family_of(stated)); !known.empty()) return known;
  }
  auto event = message.trigger_event();
  if (event.empty()) {
    if (auto const evn = message.find_segment("EVN"))
      event = message.raw({static_cast<std::uint32_t>(*evn), 1, 1, 1});
  }
  return structure_of_event(message.message_code(), event);
}

}  // namespace mappings::hl7v2
