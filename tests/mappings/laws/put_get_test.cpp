/// Law L2 of design translation.md 3.5: what was edited in FHIR is read back as edited.
#include "mappings/language/program.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mappings::laws {
namespace {

/// Every text below `element` that a person could edit, by its path within the resource.
void editable(Element& element, std::string const& path, std::vector<std::pair<std::string, Element*>>& all) {
  static std::set<std::string_view> const kTexts{"family", "text",       "city",        "district",
                                                 "state",  "postalCode", "description", "given",
                                                 "line",   "prefix",     "name",        "lotNumber"};
  for (Element& item : element.items()) editable(item, path, all);
  for (auto& member : element.members()) {
    if (member.name == "extension") continue;
    std::string const here = path + "." + std::string(member.name);
    bool const is_text = kTexts.contains(member.name) &&
                         (member.value.is_string() || (member.value.is_array() && !member.value.empty() &&
                                                       member.value.items()[0].is_string()));
    if (is_text) all.emplace_back(here, member.value.is_array() ? &member.value.items()[0] : &member.value);
    if (!is_text) editable(member.value, here, all);
  }
}

/// Rows that are written back put this text there, and it stands nowhere else (RF1's reason is a fact and a
/// note).
bool is_worth_editing(Translated const& from, std::set<std::string> const& lines, std::string const& path,
                      Element const& text) {
  std::string const ending = " = " + std::string(text.text());
  if (std::ranges::count_if(lines, [&](std::string const& line) { return line.ends_with(ending); }) != 1)
    return false;
  for (auto const& one : language::provenance(from.draft)) {
    std::string const written = without_indexes(
        from.name_of(one.resource) + one.path.substr(std::min(one.path.size(), one.path.find('.'))));
    language::Row const* const row = row_named(one.row);
    if (row != nullptr && path.starts_with(written)) return row->reverse;
  }
  return false;
}

/// Two PID of one number where no version of the message has more than one (of two numbers it is refused):
/// one patient told twice, of whom the second stands. An edit reaches the place that it was read from, and
/// the first PID, which is the sender's own contradiction, brings back what only it says.
bool tells_a_patient_twice(Translated const& from) {
  auto const& structure = *language::builtin().program().find_structure(from.draft.structure);
  std::size_t const patient = structure.find_role("patient");
  if (patient == SIZE_MAX || structure.roles[patient].per != language::Role::Per::message) return false;
  std::size_t count = 0;
  for (std::size_t at = 0; at < from.message.segment_count(); ++at)
    count += from.message.segment_id(at) == "PID" ? 1 : 0;
  return count > 1;
}

/// L2 PutGet: fwd(rev(f, C)) = f, for f with one text edited.
std::string put_get(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr || is_query(*from) || tells_a_patient_twice(*from)) return std::string(kDoesNotApply);
  std::mt19937_64 random(bytes.size());
  for (int edits = 0; edits < 1; ++edits) {
    std::vector<std::pair<std::string, Element*>> all;
    for (std::size_t at = 0; at < from->resources.size(); ++at) {
      if (from->draft.resources[at].role.empty()) continue;
      editable(from->resources[at], from->name_of(at), all);
    }
    auto const lines = lines_of(*from);
    std::erase_if(all,
                  [&](auto const& one) { return !is_worth_editing(*from, lines, one.first, *one.second); });
    if (all.empty()) return std::string(kDoesNotApply);
    auto const& [path, element] = all[random() % all.size()];
    Element const old = *element;
    *element = Element::of_string(from->arena.copy(std::string(old.text()) + " Q"));
    auto const back = language::reverse(language::builtin(), request_of(*from, true), site());
    if (!back) return path + ": " + fhir::to_line(back.error());
    auto const again = translate_utf8(back->image.bytes());
    if (again == nullptr) return path + ": not read again: " + back->image.bytes();
    bool const is_told =
        std::ranges::any_of(back->loss, [&](language::LossNote const& note) { return !note.path.empty(); });
    std::string const differs =
        difference(lines_of(*from), lines_of(*again), [](std::string const&) { return true; });
    if (!differs.empty() && !is_told) return "edited " + path + "\n" + differs + back->image.bytes();
    *element = old;
  }
  return {};
}

TEST(L2PutGet, AnEditedTextIsReadBackAsEditedAndNothingElseMoves) {
  Tally const tally = prove(put_get);
  EXPECT_GE(tally.own, 50U);
  EXPECT_GE(tally.generated, 15U);
}

}  // namespace
}  // namespace mappings::laws
