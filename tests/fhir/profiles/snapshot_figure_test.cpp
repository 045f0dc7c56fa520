/// Snapshots generated from differentials against the published ones, element by element.
///
/// Compared are, per element: id, path, sliceName, slicing, min, max, base, contentReference, types with
/// profiles and targets, fixed and pattern values, minValue, maxValue, maxLength, keys and expressions of
/// constraints, conditions, mustSupport, isModifier, isSummary, binding. Not compared: texts, mappings,
/// examples, extensions.
#include "fhir/profiles/snapshot.hpp"
#include "tests/fhir/support/reference.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

namespace fhir::profiles {
namespace {

using json::Element;
using packages::Entry;

/// What a member of an ElementDefinition says, as text that is equal where the meaning is.
std::string meaning_of(json::Member const& member) {
  if (member.name == "constraint") {
    std::set<std::string> keys;
    for (Element const& one : member.value.items())
      keys.insert(std::string(one.text_at("key")).append(" ").append(one.text_at("expression")));
    std::string all;
    for (std::string const& key : keys) all.append(key).append("\n");
    return all;
  }
  if (member.name == "condition") {
    std::set<std::string> keys;
    for (Element const& one : member.value.items()) keys.emplace(one.text());
    std::string all;
    for (std::string const& key : keys) all.append(key).append("\n");
    return all;
  }
  if (member.name == "binding")
    return std::string(member.value.text_at("strength")).append(" ").append(member.value.text_at("valueSet"));
  if (member.name == "slicing") {
    std::string text = std::string(member.value.text_at("rules"))
                           .append(member.value.text_at("ordered") == "true" ? " ordered" : "");
    if (Element const* discriminators = member.value.find("discriminator"))
      text += json::write(*discriminators);
    return text;
  }
  if (member.name == "type") {
    std::string all;
    for (Element const& type : member.value.items()) {
      // R4 says string where it should say id; later publishers say id.
      all.append(type_code(type) == "id" ? "string" : type_code(type));
      for (char const* list : {"profile", "targetProfile"}) {
        if (Element const* urls = type.find(list)) all.append(" ").append(json::write(*urls));
      }
      all.append("\n");
    }
    return all;
  }
  if (member.name == "contentReference")
    return std::string(member.value.text().substr(member.value.text().find('#')));
  if (member.value.text() == "false") return {};
  return json::write(member.value);
}

bool is_compared(std::string_view name) {
  static std::set<std::string_view> const others = {
      "id",         "path",      "sliceName",        "slicing",   "min",
      "max",        "base",      "contentReference", "type",      "minValue",
      "maxValue",   "maxLength", "constraint",       "condition", "mustSupport",
      "isModifier", "isSummary", "binding"};
  return others.contains(name) || name.starts_with("fixed") || name.starts_with("pattern") ||
         name.starts_with("minValue") || name.starts_with("maxValue");
}

std::map<std::string, std::string> meanings_of(Element const& element) {
  std::map<std::string, std::string> all;
  for (json::Member const& member : element.members()) {
    if (!is_compared(member.name)) continue;
    if (std::string text = meaning_of(member); !text.empty()) all[std::string(member.name)] = std::move(text);
  }
  return all;
}

/// One row: `*` stands for anything.
struct Explanation {
  std::string profile, element, member, reason;
  std::size_t used = 0;
};

bool is_like(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*')
    return !text.empty() && text[0] == pattern[0] && is_like(text.substr(1), pattern.substr(1));
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (is_like(text.substr(i), pattern.substr(1))) return true;
  }
  return false;
}

std::vector<Explanation> read_explanations() {
  std::vector<Explanation> rows;
  std::ifstream file(std::filesystem::path(HANDOFF_SOURCE_DIR) /
                     "tests/fhir/profiles/snapshot_differences.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line.compare(i, 3, " ; ") == 0 && parts.size() < 4) {
        parts.emplace_back();
        i += 2;
      } else {
        parts.back() += line[i];
      }
    }
    if (parts.size() == 4) rows.push_back({parts[0], parts[1], parts[2], parts[3]});
  }
  return rows;
}

class Comparison {
 public:
  explicit Comparison(std::vector<Explanation>& explanations) : explanations_(explanations) {}

  void compare(Entry const& entry, Snapshots const& snapshots) {
    Element const& structure = snapshots.library().tree(entry);
    Element const* const published = structure.at("snapshot", "element");
    if (published == nullptr || structure.at("differential", "element") == nullptr ||
        structure.text_at("derivation") != "constraint")
      return;
    profile_ = std::string(entry.url.substr(entry.url.rfind('/') + 1)).append("|").append(entry.version);
    ++profiles_;
    elements_ += published->size();
    auto const made = snapshots.of(entry);
    if (!made) return differ("", "(not generated)", to_line(made.error()), "");
    std::size_t const before = differences_;
    std::map<std::string_view, Element const*> by_id;
    for (Element const& element : *made) by_id[element.text_at("id")] = &element;
    std::vector<std::string_view> order;
    for (Element const& wanted : published->items()) {
      std::string_view const id = wanted.text_at("id");
      std::size_t const so_far = differences_;
      auto const found = by_id.find(id);
      if (found == by_id.end()) {
        differ(id, "(missing)", "", "");
      } else {
        order.push_back(id);
        compare_members(id, *found->second, wanted);
      }
      equal_elements_ += differences_ == so_far ? 1U : 0U;
    }
    std::size_t at = 0;
    for (Element const& element : *made) {
      std::string_view const id = element.text_at("id");
      if (std::ranges::find(order, id) == order.end()) {
        differ(id, "(extra)", "", "");
      } else if (order[at++] != id) {
        differ(id, "(order)", id, order[at - 1]);
        break;
      }
    }
    equal_profiles_ += differences_ == before ? 1U : 0U;
  }

  void print(std::string_view what) const {
    std::cout << what << ": " << equal_profiles_ << " of " << profiles_ << " snapshots equal, "
              << equal_elements_ << " of " << elements_ << " elements; " << differences_ << " differences, "
              << explained_ << " explained\n";
  }

 private:
  void compare_members(std::string_view id, Element const& made, Element const& wanted) {
    auto const ours = meanings_of(made);
    auto const theirs = meanings_of(wanted);
    for (auto const& [name, text] : theirs) {
      auto const at = ours.find(name);
      if (at == ours.end() || at->second != text) differ(id, name, at == ours.end() ? "" : at->second, text);
    }
    for (auto const& [name, text] : ours) {
      if (!theirs.contains(name)) differ(id, name, text, "");
    }
  }

  void differ(std::string_view id, std::string_view member, std::string_view ours, std::string_view theirs) {
    ++differences_;
    for (Explanation& row : explanations_) {
      if (is_like(profile_, row.profile) && is_like(id, row.element) && is_like(member, row.member)) {
        ++row.used;
        ++explained_;
        return;
      }
    }
    ADD_FAILURE() << profile_ << " ; " << id << " ; " << member << " ; ours <" << ours << "> published <"
                  << theirs << ">";
  }

  std::vector<Explanation>& explanations_;
  std::string profile_;
  std::size_t profiles_ = 0, equal_profiles_ = 0, elements_ = 0, equal_elements_ = 0, differences_ = 0,
              explained_ = 0;
};

TEST(SnapshotFigure, GeneratedSnapshotsEqualThePublishedOnes) {
  SKIP_WITHOUT_SHARED();
  std::vector<Explanation> explanations = read_explanations();
  auto const core = std::make_shared<packages::Library>();
  ASSERT_TRUE(
      core->add(test::load_official_definitions({"profiles-types.json", "profiles-resources.json.gz",
                                                 "profiles-others.json", "extension-definitions.json"})));
  Comparison r4(explanations);
  Snapshots const snapshots(core, Snapshots::Prefer::generated);
  for (Entry const* entry : core->list("StructureDefinition")) r4.compare(*entry, snapshots);
  r4.print("R4");
  for (char const* version : {"3.1.1", "5.0.1", "6.1.0", "7.0.0", "8.0.0"}) {
    auto const library = std::make_shared<packages::Library>(core);
    ASSERT_TRUE(library->add(test::load_package(std::string("hl7.fhir.us.core-") + version)));
    Snapshots const of_package(library, Snapshots::Prefer::generated);
    Comparison us_core(explanations);
    for (Entry const* entry : library->list("StructureDefinition")) {
      if (entry->package->name == "hl7.fhir.us.core") us_core.compare(*entry, of_package);
    }
    us_core.print(std::string("US Core ") + version);
  }
  for (Explanation const& row : explanations) {
    EXPECT_GT(row.used, 0U) << "no difference left for: " << row.profile << " ; " << row.element << " ; "
                            << row.member;
  }
}

}  // namespace
}  // namespace fhir::profiles
