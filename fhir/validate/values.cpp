/// Fixed values and patterns, ranges, lengths, bindings.
/// Source: R4 elementdefinition.html, terminologies.html#strength.
#include "fhir/path/values.hpp"

#include "fhir/path/types.hpp"
#include "fhir/validate/walk.hpp"

#include <algorithm>
#include <optional>

namespace fhir::validate {

using json::Element;
using json::Kind;
using profiles::Binding;
using profiles::Strength;

namespace {

std::string by(Shape const& shape) { return " (" + shape.profile->name() + ")"; }

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// A limit of an ElementDefinition as a value to compare with; of an object only a Quantity is one.
std::optional<Item> limit_of(Item const& item, Element const& limit) {
  if (item.type == nullptr) return std::nullopt;
  Item as_item;
  as_item.value = &limit;
  as_item.type = item.type;
  return path::to_value(as_item);
}

}  // namespace

bool equals_fixed(Element const& value, Element const& fixed) { return value == fixed; }

bool matches_pattern(Element const& value, Element const& pattern) {
  if (value.kind() != pattern.kind()) return false;
  if (pattern.is_array()) {
    return std::ranges::all_of(pattern.items(), [&](Element const& wanted) {
      return std::ranges::any_of(value.items(),
                                 [&](Element const& item) { return matches_pattern(item, wanted); });
    });
  }
  if (!pattern.is_object()) return value == pattern;
  return std::ranges::all_of(pattern.members(), [&](json::Member const& member) {
    Element const* const own = value.find(member.name);
    return own != nullptr && matches_pattern(*own, member.value);
  });
}

void Walk::check_values(Item const& item, Shapes const& shapes, Place const& place) {
  for (Shape const* shape : shapes) {
    bool const is_plain = shape->fixed == nullptr && shape->pattern == nullptr &&
                          shape->min_value == nullptr && shape->max_value == nullptr &&
                          shape->max_length == 0;
    if (is_plain || item.value == nullptr) continue;
    if (shape->fixed != nullptr && !equals_fixed(*item.value, *shape->fixed)) {
      fail(IssueType::value, place,
           "the value is fixed to another one by " + std::string(shape->id) + by(*shape));
    }
    if (shape->pattern != nullptr && !matches_pattern(*item.value, *shape->pattern)) {
      fail(IssueType::value, place,
           "the value lacks what the pattern of " + std::string(shape->id) + " demands" + by(*shape));
    }
    if (shape->max_length > 0 && item.value->is_string() &&
        count_characters(item.value->text()) > shape->max_length) {
      fail(IssueType::too_long, place,
           "at most " + std::to_string(shape->max_length) + " characters are allowed by " +
               std::string(shape->id) + by(*shape));
    }
    auto const own = path::to_value(item);
    if (!own) continue;
    auto const compare = [&](Element const* limit, int wrong, char const* text) {
      if (limit == nullptr) return;
      auto const bound = limit_of(item, *limit);
      if (!bound) return;
      auto const order = path::order(*own, *bound);
      if (order && order->known && order->sign == wrong)
        fail(IssueType::value, place,
             std::string("the value is ") + text + " " + std::string(shape->id) + " allows" + by(*shape));
    };
    compare(shape->min_value, -1, "less than the least that");
    compare(shape->max_value, 1, "more than the most that");
  }
}

void Walk::check_bindings(Item const& item, Shapes const& shapes, Place const& place) {
  if (options_.codes == nullptr || item.value == nullptr) return;
  std::vector<Binding const*> judged;
  for (Shape const* shape : shapes) {
    if (!shape->binding || (shape->binding->value_set.empty() && shape->binding->max_value_set.empty()))
      continue;
    if (shape->binding->strength == Strength::example && shape->binding->max_value_set.empty()) continue;
    bool const is_known = std::ranges::any_of(judged, [&](Binding const* other) {
      return other->value_set == shape->binding->value_set && other->strength >= shape->binding->strength &&
             other->max_value_set == shape->binding->max_value_set;
    });
    if (is_known) continue;
    judged.push_back(&*shape->binding);
    check_binding(item, *shape, place);
  }
}

namespace {

CodedValue coded_value(Element const& coding) {
  return {coding.text_at("system"),
          coding.text_at("version"),
          coding.text_at("code"),
          {},
          coding.find("system") == nullptr};
}

}  // namespace

std::optional<std::vector<CodedValue>> codes_of(Item const& item) {
  if (item.value == nullptr || item.type == nullptr) return std::nullopt;
  std::string_view const type = item.type->name();
  Element const& value = *item.value;
  if (item.type->is_primitive()) {
    if (!value.is_string()) return std::nullopt;
    return std::vector{CodedValue{{}, {}, value.text(), {}, false}};
  }
  if (type == "CodeableConcept") {
    std::vector<CodedValue> codes;
    if (Element const* const codings = value.find("coding")) {
      for (Element const& coding : codings->items()) codes.push_back(coded_value(coding));
    }
    return codes;
  }
  if (type == "Coding" || path::is_below(*item.type, "Quantity")) {
    if (value.find("code") == nullptr) return std::vector<CodedValue>{};
    return std::vector{coded_value(value)};
  }
  return std::nullopt;
}

void Walk::check_binding(Item const& item, Shape const& shape, Place const& place) {
  auto const codes = codes_of(item);
  if (!codes) return;
  // What R4's own required bindings enumerate was judged with the structure.
  bool const is_judged = !shape.profile->is_constraint && shape.binding->strength == Strength::required &&
                         item.definition != nullptr && item.definition->binding() != nullptr &&
                         !item.definition->binding()->codes().empty();
  auto const judge = [&](std::string_view value_set, Severity severity, bool is_max) {
    bool is_in = false, is_unknown = false;
    std::string message;
    for (CodedValue const& code : *codes) {
      if (!spend(8)) return;
      CodeVerdict const verdict = options_.codes->check_in_value_set(value_set, code);
      is_in = is_in || verdict.membership == Membership::in;
      is_unknown = is_unknown || verdict.membership == Membership::unknown;
      if (message.empty()) message = verdict.message;
    }
    if (is_in) return;
    std::string_view const type = item.type->name();
    std::string text = codes->empty()
                           ? "no code is given, and one"
                           : (type == "CodeableConcept" ? "none of the codes is" : "the code is not");
    text += codes->empty() ? " is wanted from " : " in ";
    text.append("the value set ").append(value_set).append(by(shape));
    if (!message.empty() && !codes->empty()) text.append(": ").append(message);
    if (is_unknown) {
      return report(Severity::warning, IssueType::not_found, place,
                    "whether the code is in the value set " + std::string(value_set) +
                        " cannot be told here" + (message.empty() ? "" : ": " + message));
    }
    if (codes->empty()) {
      bool const is_text_allowed = !is_max && severity > Severity::error;
      if (is_text_allowed) severity = Severity::information;
      // A quantity without a code, or an element that has only an extension, is no code at all.
      if (type != "CodeableConcept" && type != "Coding") severity = Severity::warning;
    }
    report(severity, IssueType::code_invalid, place, std::move(text));
  };
  Severity severity = Severity::information;
  if (shape.binding->strength == Strength::required) severity = Severity::error;
  if (shape.binding->strength == Strength::extensible) severity = Severity::warning;
  if (!is_judged && shape.binding->strength != Strength::example && !shape.binding->value_set.empty())
    judge(shape.binding->value_set, severity, false);
  if (!shape.binding->max_value_set.empty()) judge(shape.binding->max_value_set, Severity::error, true);
}

/// datatypes.html#Attachment: size is that of the data, before it was written in base64.
void Walk::check_attachment(Item const& item, Place const& place) {
  if (item.value == nullptr) return;
  std::string_view const size = item.value->text_at("size");
  std::string_view const data = item.value->text_at("data");
  if (size.empty() || data.empty()) return;
  auto const digits =
      static_cast<std::size_t>(std::ranges::count_if(data, [](char c) { return c > ' ' && c != '='; }));
  std::string const actual = std::to_string(digits * 3 / 4);
  if (actual != size)
    fail(IssueType::structure, place,
         "the stated size is not that of the data, which has " + actual + " bytes");
}

void Walk::check_coding(Item const& item, Place const& place) {
  if (item.value == nullptr || !item.value->is_object()) return;
  Element const& coding = *item.value;
  std::string_view const code = coding.text_at("code");
  if (code.empty()) return;
  if (coding.find("system") == nullptr) {
    if (item.type->name() != "Coding") return;  // a quantity's: the invariant qty-3
    return report(Severity::warning, IssueType::invalid, place,
                  "a code without system has no meaning that could be judged");
  }
  if (options_.codes == nullptr) return;
  CodedValue const coded{coding.text_at("system"), coding.text_at("version"), code, coding.text_at("display"),
                         false};
  CodeVerdict const verdict = options_.codes->check_in_code_system(coded);
  if (verdict.membership == Membership::not_in) {
    // Units are written as they come, in R4's own examples as well ("mcg", "ea"): a word of warning.
    Place const below{&place, "code"};
    report(item.type->name() == "Coding" ? Severity::error : Severity::warning, IssueType::code_invalid,
           below,
           "the code is none of its code system " + std::string(coded.system) +
               (verdict.message.empty() ? "" : ": " + verdict.message));
  } else if (verdict.is_display_wrong) {
    Place const below{&place, "display"};
    report(options_.refuses_wrong_displays ? Severity::error : Severity::warning, IssueType::invalid, below,
           "the display is not the code's: " + verdict.display_message);
  }
}

}  // namespace fhir::validate
