/// How the tx-ecosystem suites compare an answer with what they expect (their readme): arrays in any order,
/// "$..$" texts stand for any value of a kind, members and items may be marked optional.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/terminology/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::terminology::test {

using json::Element;

/// "" when `actual` is as `expected` has it, else the first difference with its place.
class Pattern {
 public:
  static std::string compare(Element const& expected, Element const& actual, std::string const& place = "") {
    if (expected.is_object()) return compare_objects(expected, actual, place);
    if (expected.is_array()) return compare_arrays(expected, actual, place, false);
    if (expected.is_string())
      return actual.is_string() && matches(expected.text(), actual.text()) ? ""
                                                                           : differ(expected, actual, place);
    if (expected.kind() == json::Kind::number && actual.kind() == json::Kind::number) {
      bool const same = std::strtod(std::string(expected.text()).c_str(), nullptr) ==
                        std::strtod(std::string(actual.text()).c_str(), nullptr);
      return same ? "" : differ(expected, actual, place);
    }
    return expected == actual ? "" : differ(expected, actual, place);
  }

 private:
  static std::string differ(Element const& expected, Element const& actual, std::string const& place) {
    return place + ": " + json::write(actual).substr(0, 300) + " is not " +
           json::write(expected).substr(0, 300);
  }

  static bool is_optional(Element const& expected) { return expected.find("$optional$") != nullptr; }

  static std::set<std::string_view> names_in(Element const& expected, char const* list) {
    std::set<std::string_view> names;
    if (Element const* const all = expected.find(list)) {
      for (Element const& name : all->items()) names.insert(name.text());
    }
    return names;
  }

  /// An issue's location is what expression is: the suites ask for it and refuse it beside one and the same
  /// finding (inactive-2-validate, validation-contained-good), so only expression is compared.
  static bool is_location(Element const& issue, std::string_view name) {
    return name == "location" && issue.find("severity") != nullptr && issue.find("expression") != nullptr;
  }

  static std::string compare_objects(Element const& expected, Element const& actual,
                                     std::string const& place) {
    if (!actual.is_object()) return differ(expected, actual, place);
    auto const optional = names_in(expected, "$optional-properties$");
    auto const counted = names_in(expected, "$count-arrays$");
    for (json::Member const& member : expected.members()) {
      if (member.name.starts_with('$') || is_location(expected, member.name)) continue;
      Element const* const other = actual.find(member.name);
      std::string const here = place + '.' + std::string(member.name);
      if (other == nullptr) {
        bool const may_be_absent = optional.contains(member.name) || is_optional(member.value) ||
                                   (member.value.is_array() && all_optional(member.value));
        if (may_be_absent) continue;
        return here + " is missing: " + json::write(member.value).substr(0, 300);
      }
      if (optional.contains(member.name) && member.name == "compose") continue;
      if (counted.contains(member.name)) {
        if (other->size() != member.value.size()) return here + " has another count";
        continue;
      }
      std::string const difference = compare(member.value, *other, here);
      if (!difference.empty()) return difference;
    }
    for (json::Member const& member : actual.members()) {
      bool const may_be_there = optional.contains(member.name) || is_location(expected, member.name);
      if (expected.find(member.name) == nullptr && !may_be_there)
        return place + '.' + std::string(member.name) +
               " is not expected: " + json::write(member.value).substr(0, 300);
    }
    return "";
  }

  static bool all_optional(Element const& array) {
    return std::ranges::all_of(array.items(), [](Element const& item) { return is_optional(item); });
  }

  static std::string compare_arrays(Element const& expected, Element const& actual, std::string const& place,
                                    bool) {
    if (!actual.is_array()) return differ(expected, actual, place);
    std::vector<bool> taken(actual.size(), false);
    for (Element const& wanted : expected.items()) {
      bool found = false;
      std::string closest;
      for (std::size_t i = 0; i < actual.size() && !found; ++i) {
        if (taken[i]) continue;
        std::string const difference = compare(wanted, actual.items()[i], place + "[]");
        if (difference.empty()) {
          taken[i] = found = true;
        } else if (closest.empty() || same_name(wanted, actual.items()[i])) {
          closest = difference;
        }
      }
      if (!found && !is_optional(wanted)) {
        return place + " has no " + json::write(wanted).substr(0, 300) + "\n      closest: " + closest;
      }
    }
    for (std::size_t i = 0; i < actual.size(); ++i) {
      if (!taken[i]) return place + " has too much: " + json::write(actual.items()[i]).substr(0, 300);
    }
    return "";
  }

  static bool same_name(Element const& left, Element const& right) {
    for (char const* const name : {"name", "code", "url"}) {
      if (!left.text_at(name).empty() && left.text_at(name) == right.text_at(name)) return true;
    }
    return false;
  }

  /// "$uuid$", "http://a|$version$", "$external:1:part$", "$choice:a|b$".
  static bool matches(std::string_view expected, std::string_view actual) {
    auto const open = expected.find('$');
    if (open == std::string_view::npos) return expected == actual;
    auto const close = expected.find('$', open + 1);
    if (close == std::string_view::npos) return expected == actual;
    std::string_view const word = expected.substr(open + 1, close - open - 1);
    if (word.starts_with("external:") || word.starts_with("fragments:")) {
      std::string_view rest = word.substr(word.find(':') + 1);
      if (word.starts_with("external:")) {
        auto const colon = rest.find(':');
        rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
      }
      return actual.find(rest) != std::string_view::npos;
    }
    if (word.starts_with("choice:")) {
      auto const choices = split(word.substr(7), '|');
      return std::ranges::find(choices, actual) != choices.end();
    }
    std::string_view const before = expected.substr(0, open);
    std::string_view const after = expected.substr(close + 1);
    return actual.size() > before.size() + after.size() && actual.starts_with(before) &&
           actual.ends_with(after);
  }
};

}  // namespace fhir::terminology::test
