/// A QuestionnaireResponse against its Questionnaire. Source: R4 questionnaireresponse.html,
/// questionnaire.html#enableWhen, and the core extensions minValue, maxValue, maxDecimalPlaces, minLength,
/// regex, maxSize, mimeType, questionnaire-minOccurs, -maxOccurs, -optionExclusive, -referenceResource; SDC's
/// minQuantity and maxQuantity.
#include "fhir/path/types.hpp"
#include "fhir/path/values.hpp"
#include "fhir/ucum/ucum.hpp"
#include "fhir/validate/walk.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace fhir::validate {

using json::Element;

namespace {

constexpr std::string_view kCore = "http://hl7.org/fhir/StructureDefinition/";
constexpr std::string_view kSdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/";

Element const* extension_value(Element const& element, std::string_view url) {
  Element const* const extensions = element.find("extension");
  if (extensions == nullptr) return nullptr;
  for (Element const& one : extensions->items()) {
    if (one.text_at("url") != url) continue;
    for (json::Member const& member : one.members()) {
      if (member.name.starts_with("value")) return &member.value;
    }
  }
  return nullptr;
}

Element const* core_extension(Element const& element, std::string_view name) {
  return extension_value(element, std::string(kCore).append(name));
}

/// An answer's value and its type: {"Coding", ...} of valueCoding.
struct Answer {
  std::string_view type;
  Element const* value = nullptr;
};

Answer value_of(Element const& holder, std::string_view prefix = "value") {
  for (json::Member const& member : holder.members()) {
    if (member.name.starts_with(prefix) && member.name.size() > prefix.size())
      return {member.name.substr(prefix.size()), &member.value};
  }
  return {};
}

std::string type_name(std::string_view suffix) {
  static constexpr std::string_view kPrimitives[] = {"Boolean",  "Decimal", "Integer", "Date",
                                                     "DateTime", "Time",    "String",  "Uri"};
  std::string name(suffix);
  if (std::ranges::find(kPrimitives, suffix) != std::end(kPrimitives))
    name[0] = static_cast<char>(name[0] - 'A' + 'a');
  return name;
}

Item to_item(Answer const& answer) {
  Item item;
  item.value = answer.value;
  item.type = definitions::find_type(type_name(answer.type));
  return item;
}

std::optional<std::size_t> number_of(Element const* element) {
  if (element == nullptr) return std::nullopt;
  std::size_t value = 0;
  std::string_view const text = element->text();
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Whether two answers are the same: codes by system and code, all else by value.
bool is_same(Answer const& left, Answer const& right) {
  if (left.value == nullptr || right.value == nullptr || left.type != right.type) return false;
  if (left.type == "Coding")
    return left.value->text_at("code") == right.value->text_at("code") &&
           (left.value->text_at("system") == right.value->text_at("system") ||
            right.value->find("system") == nullptr);
  if (left.type == "Reference") return left.value->text_at("reference") == right.value->text_at("reference");
  return path::equal(to_item(left), to_item(right)).value_or(*left.value == *right.value);
}

std::size_t size_of_base64(std::string_view text) {
  std::size_t digits = 0;
  for (char const c : text) digits += (c != '=' && c != '\n' && c != '\r' && c != ' ') ? 1U : 0U;
  return digits * 3 / 4;
}

class ResponseRules {
 public:
  ResponseRules(Walk& walk, Element const& response, Element const& questionnaire)
      : walk_(walk), response_(response), questionnaire_(questionnaire) {
    std::string_view const status = response.text_at("status");
    is_final_ = status == "completed" || status == "amended";
  }

  void check(Place const& place) { check_level(questionnaire_, response_, place, true); }

 private:
  static std::span<Element const> items_of(Element const& holder) {
    Element const* const items = holder.find("item");
    return items == nullptr ? std::span<Element const>{} : items->items();
  }
  static std::span<Element const> answers_of(Element const& item) {
    Element const* const answers = item.find("answer");
    return answers == nullptr ? std::span<Element const>{} : answers->items();
  }

  /// The items below one item, answer or the response itself, against the questions below one question.
  void check_level(Element const& question, Element const& holder, Place const& place, bool is_enabled) {
    if (!walk_.spend(1)) return;
    holders_.push_back(&holder);
    auto const questions = items_of(question);
    std::size_t last = 0;
    int index = 0;
    for (Element const& item : items_of(holder)) {
      Place const at{&place, "item", index++};
      auto const found = std::ranges::find_if(
          questions, [&](Element const& one) { return one.text_at("linkId") == item.text_at("linkId"); });
      if (found == questions.end()) {
        walk_.fail(IssueType::not_found, place,
                   is_known(questionnaire_, item.text_at("linkId"))
                       ? "an item stands at another place than its question does"
                       : "the questionnaire has no question of an item's linkId");
        continue;
      }
      auto const position = static_cast<std::size_t>(found - questions.begin());
      if (position < last)
        walk_.fail(IssueType::invalid, at, "the item stands in another order than the questionnaire gives");
      last = std::max(last, position);
    }
    for (Element const& one : questions) check_question(one, holder, place, is_enabled);
    holders_.pop_back();
  }

  static bool is_known(Element const& parent, std::string_view link_id) {
    return std::ranges::any_of(items_of(parent), [&](Element const& one) {
      return one.text_at("linkId") == link_id || is_known(one, link_id);
    });
  }

  void check_question(Element const& question, Element const& holder, Place const& place,
                      bool is_parent_enabled) {
    std::string_view const link_id = question.text_at("linkId");
    std::vector<std::pair<Element const*, int>> found;
    int index = 0;
    for (Element const& item : items_of(holder)) {
      if (item.text_at("linkId") == link_id) found.emplace_back(&item, index);
      ++index;
    }
    bool const is_enabled = is_parent_enabled && enabled(question);
    if (found.empty()) {
      bool const is_asked = question.text_at("type") != "display" && is_enabled && is_final_;
      if (is_asked && question.text_at("required") == "true")
        walk_.fail(IssueType::required, place,
                   "an item with an answer is required by the questionnaire, and is not there");
      return;
    }
    if (found.size() > 1 && question.text_at("repeats") != "true") {
      Place const at{&place, "item", found[1].second};
      walk_.fail(IssueType::invalid, at,
                 "only one item of this linkId is allowed: the question does not repeat");
    }
    for (auto const& [item, number] : found) {
      Place const at{&place, "item", number};
      check_item(question, *item, at, is_enabled);
    }
  }

  void check_item(Element const& question, Element const& item, Place const& at, bool is_enabled) {
    std::string_view const type = question.text_at("type");
    auto const answers = answers_of(item);
    if (!is_enabled && (!answers.empty() || has_answer(item)))
      walk_.fail(IssueType::invalid, at, "the item has an answer, and the questionnaire does not enable it");
    std::string_view const text = item.text_at("text");
    if (!text.empty() && !question.text_at("text").empty() && text != question.text_at("text"))
      walk_.fail(IssueType::invalid, at, "the item's text is not that of the question");
    if (type == "group" || type == "display") {
      if (!answers.empty())
        walk_.fail(IssueType::structure, at, "an item of type " + std::string(type) + " has no answers");
      if (type == "display" && !items_of(item).empty())
        walk_.fail(IssueType::structure, at, "an item of type display has no items");
      check_level(question, item, at, is_enabled);
      return;
    }
    if (!items_of(item).empty())
      walk_.fail(IssueType::structure, at,
                 "items below a question stand within its answers, not beside them");
    bool const is_asked = is_enabled && is_final_;
    if (answers.empty() && is_asked && question.text_at("required") == "true")
      walk_.fail(IssueType::required, at, "an answer is required by the questionnaire");
    if (answers.size() > 1 && question.text_at("repeats") != "true")
      walk_.fail(IssueType::invalid, at, "only one answer is allowed: the question does not repeat");
    check_counts(question, answers, at);
    check_exclusive(question, answers, at);
    int index = 0;
    for (Element const& answer : answers) {
      Place const below{&at, "answer", index++};
      check_answer(question, answer, below);
      check_level(question, answer, below, is_enabled);
    }
  }

  static bool has_answer(Element const& item) {
    return !answers_of(item).empty() ||
           std::ranges::any_of(items_of(item), [](Element const& one) { return has_answer(one); });
  }

  void check_counts(Element const& question, std::span<Element const> answers, Place const& at) {
    auto const least = number_of(core_extension(question, "questionnaire-minOccurs"));
    auto const most = number_of(core_extension(question, "questionnaire-maxOccurs"));
    if (least && answers.size() < *least && is_final_)
      walk_.fail(IssueType::invalid, at,
                 "at least " + std::to_string(*least) + " answers are wanted, and there are " +
                     std::to_string(answers.size()));
    if (most && answers.size() > *most)
      walk_.fail(IssueType::invalid, at,
                 "at most " + std::to_string(*most) + " answers are allowed, and there are " +
                     std::to_string(answers.size()));
  }

  void check_exclusive(Element const& question, std::span<Element const> answers, Place const& at) {
    Element const* const options = question.find("answerOption");
    if (options == nullptr || answers.size() < 2) return;
    for (Element const& option : options->items()) {
      Element const* const exclusive = core_extension(option, "questionnaire-optionExclusive");
      if (exclusive == nullptr || exclusive->text() != "true") continue;
      for (std::size_t i = 0; i < answers.size(); ++i) {
        Place const below{&at, "answer", static_cast<int>(i)};
        if (is_same(value_of(answers[i]), value_of(option)))
          walk_.fail(IssueType::invariant, below, "this answer excludes all others, and there are others");
      }
    }
  }

  void check_answer(Element const& question, Element const& answer, Place const& at) {
    Answer const value = value_of(answer);
    if (value.value == nullptr) {
      if (answer.find("extension") == nullptr && answer.find("item") == nullptr)
        walk_.fail(IssueType::required, at, "an answer needs a value");
      return;
    }
    Place const here{&at, "value"};
    std::string_view const type = question.text_at("type");
    std::string const given = type_name(value.type);
    std::string const wanted = wanted_types(question, type);
    if (("," + wanted + ",").find("," + given + ",") == std::string::npos)
      return walk_.fail(IssueType::invariant, here,
                        "the answer must be of type " + wanted + ", not " + given);
    check_text(question, value, here);
    check_range(question, value, here);
    check_attachment(question, value, at);
    check_target(question, value, here);
    check_option(question, value, at);
  }

  static std::string wanted_types(Element const& question, std::string_view type) {
    static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
        {"boolean", "boolean"},
        {"decimal", "decimal"},
        {"integer", "integer"},
        {"date", "date"},
        {"dateTime", "dateTime"},
        {"time", "time"},
        {"string", "string"},
        {"text", "string"},
        {"url", "uri"},
        {"attachment", "Attachment"},
        {"reference", "Reference"},
        {"quantity", "Quantity"},
        {"choice", "Coding"},
        {"open-choice", "Coding,string"}};
    std::string wanted;
    for (auto const& [name, types] : kTypes) {
      if (name == type) wanted = types;
    }
    Element const* const options = question.find("answerOption");
    if (type != "choice" && type != "open-choice") return wanted;
    if (options != nullptr) {
      for (Element const& option : options->items())
        wanted.append(",").append(type_name(value_of(option).type));
    }
    return wanted;
  }

  void check_text(Element const& question, Answer const& value, Place const& here) {
    if (value.type != "String" && value.type != "Uri") return;
    std::size_t const size = characters_in(value.value->text());
    auto const most = number_of(question.find("maxLength"));
    auto const least = number_of(core_extension(question, "minLength"));
    if (most && size > *most)
      walk_.fail(IssueType::invariant, here,
                 "the answer is longer than " + std::to_string(*most) + " characters");
    if (least && size < *least)
      walk_.fail(IssueType::invariant, here,
                 "the answer is shorter than " + std::to_string(*least) + " characters");
    if (Element const* const regex = core_extension(question, "regex")) {
      RE2::Options options;
      options.set_log_errors(false);
      RE2 const compiled(std::string(regex->text()), options);
      if (compiled.ok() && !RE2::FullMatch(std::string(value.value->text()), compiled))
        walk_.fail(IssueType::invariant, here, "the answer has not the form that the question demands");
    }
  }

  void check_range(Element const& question, Answer const& value, Place const& here) {
    auto const compare = [&](Element const* limit, int wrong, char const* text) {
      if (limit == nullptr) return;
      Answer bound = value;
      bound.value = limit;
      auto const own = path::to_value(to_item(value));
      auto const other = path::to_value(to_item(bound));
      if (!own || !other) return;
      if (value.type == "Quantity" &&
          (value.value->find("code") == nullptr || limit->find("code") == nullptr)) {
        return walk_.fail(IssueType::invariant, here,
                          "the quantity cannot be compared with the limit: no formal units are given");
      }
      auto const order = path::order(*own, *other);
      if (order && order->known && order->sign == wrong)
        walk_.fail(IssueType::invariant, here,
                   std::string("the answer is ") + text + " the questionnaire allows");
    };
    bool const is_quantity = value.type == "Quantity";
    Element const* least =
        is_quantity ? extension_value(question, std::string(kSdc) + "sdc-questionnaire-minQuantity")
                    : core_extension(question, "minValue");
    Element const* most = is_quantity
                              ? extension_value(question, std::string(kSdc) + "sdc-questionnaire-maxQuantity")
                              : core_extension(question, "maxValue");
    if (is_quantity && least == nullptr) least = core_extension(question, "minValue");
    if (is_quantity && most == nullptr) most = core_extension(question, "maxValue");
    compare(least, -1, "less than");
    compare(most, 1, "more than");
    auto const places = number_of(core_extension(question, "maxDecimalPlaces"));
    if (!places || (value.type != "Decimal" && !is_quantity)) return;
    std::string_view const digits = is_quantity ? value.value->text_at("value") : value.value->text();
    std::size_t const point = digits.find('.');
    if (point != std::string_view::npos && digits.size() - point - 1 > *places)
      walk_.fail(IssueType::invariant, here,
                 "at most " + std::to_string(*places) + " decimal places are allowed");
  }

  void check_attachment(Element const& question, Answer const& value, Place const& at) {
    if (value.type != "Attachment") return;
    std::string_view const data = value.value->text_at("data");
    auto const stated = number_of(value.value->find("size"));
    std::size_t const size = data.empty() && stated ? *stated : size_of_base64(data);
    auto const most = number_of(core_extension(question, "maxSize"));
    if (most && size > *most)
      walk_.fail(IssueType::required, at,
                 "the attachment is larger than the " + std::to_string(*most) + " bytes that are allowed");
    Element const* const extensions = question.find("extension");
    if (extensions == nullptr) return;
    bool is_limited = false, fits = false;
    for (Element const& one : extensions->items()) {
      if (one.text_at("url") != std::string(kCore) + "mimeType") continue;
      is_limited = true;
      fits = fits || value_of(one).value->text() == value.value->text_at("contentType");
    }
    if (is_limited && !fits)
      walk_.fail(IssueType::invariant, at, "the attachment's content type is none that the question allows");
  }

  void check_target(Element const& question, Answer const& value, Place const& here) {
    if (value.type != "Reference") return;
    std::string_view const reference = value.value->text_at("reference");
    if (reference.empty() || reference.starts_with('#') || reference.starts_with("urn:")) return;
    std::size_t const slash = reference.rfind('/');
    if (slash == std::string_view::npos) return;
    std::size_t const before = slash == 0 ? std::string_view::npos : reference.rfind('/', slash - 1);
    std::size_t const from = before == std::string_view::npos ? 0 : before + 1;
    std::string_view const type = reference.substr(from, slash - from);
    if (!definitions::is_resource_type(type))
      return walk_.fail(IssueType::invariant, here, "the reference names no resource type of FHIR R4");
    bool is_limited = false, fits = false;
    if (Element const* const extensions = question.find("extension")) {
      for (Element const& one : extensions->items()) {
        if (one.text_at("url") != std::string(kCore) + "questionnaire-referenceResource") continue;
        is_limited = true;
        fits = fits || value_of(one).value->text() == type;
      }
    }
    if (is_limited && !fits)
      walk_.fail(IssueType::invariant, here,
                 "the reference leads to a type of resource that the question does not allow");
  }

  void check_option(Element const& question, Answer const& value, Place const& at) {
    bool const is_open = question.text_at("type") == "open-choice" && value.type == "String";
    if (is_open) return;
    if (Element const* const options = question.find("answerOption")) {
      bool const fits = std::ranges::any_of(
          options->items(), [&](Element const& option) { return is_same(value, value_of(option)); });
      if (!fits) {
        Place const here{&at, "value"};
        walk_.fail(value.type == "Coding" ? IssueType::code_invalid : IssueType::invariant,
                   value.type == "Coding" ? at : here, "the answer is none of the options of the question");
      }
      return;
    }
    std::string_view const value_set = question.text_at("answerValueSet");
    if (value_set.empty() || value.type != "Coding" || walk_.options().codes == nullptr ||
        value_set.starts_with('#'))
      return;
    CodedValue const coded{value.value->text_at("system"), value.value->text_at("version"),
                           value.value->text_at("code"), value.value->text_at("display"),
                           value.value->find("system") == nullptr};
    if (coded.code.empty()) return;
    CodeVerdict const verdict = walk_.options().codes->check_in_value_set(value_set, coded);
    if (verdict.membership == Membership::not_in)
      walk_.fail(IssueType::code_invalid, at, "the answer is none of the value set that the question names");
  }

  // questionnaire.html#enableWhen

  bool enabled(Element const& question) const {
    Element const* const conditions = question.find("enableWhen");
    if (conditions == nullptr || conditions->empty()) return true;
    auto const holds = [&](Element const& one) { return condition_holds(one); };
    if (question.text_at("enableBehavior") == "any") return std::ranges::any_of(conditions->items(), holds);
    return std::ranges::all_of(conditions->items(), holds);
  }

  /// The answers to a question, of the items nearest to where the walk is.
  std::vector<Answer> answers_to(std::string_view link_id) const {
    std::vector<Answer> answers;
    for (auto holder = holders_.rbegin(); holder != holders_.rend() && answers.empty(); ++holder)
      gather(**holder, link_id, answers);
    return answers;
  }

  static void gather(Element const& holder, std::string_view link_id, std::vector<Answer>& answers) {
    for (Element const& item : items_of(holder)) {
      for (Element const& answer : answers_of(item)) {
        if (item.text_at("linkId") == link_id) {
          if (Answer const value = value_of(answer); value.value != nullptr) answers.push_back(value);
        }
        gather(answer, link_id, answers);
      }
      gather(item, link_id, answers);
    }
  }

  bool condition_holds(Element const& condition) const {
    auto const answers = answers_to(condition.text_at("question"));
    std::string_view const operation = condition.text_at("operator");
    Answer const wanted = value_of(condition, "answer");
    if (operation == "exists" || operation.empty())
      return (wanted.value == nullptr || wanted.value->text() == "true") != answers.empty();
    if (operation == "=")
      return std::ranges::any_of(answers, [&](Answer const& one) { return is_same(one, wanted); });
    if (operation == "!=")
      return std::ranges::none_of(answers, [&](Answer const& one) { return is_same(one, wanted); });
    return std::ranges::any_of(answers, [&](Answer const& one) {
      auto const left = path::to_value(to_item(one));
      auto const right = path::to_value(to_item(wanted));
      if (!left || !right) return false;
      auto const order = path::order(*left, *right);
      if (!order || !order->known) return false;
      if (operation == "<") return order->sign < 0;
      if (operation == ">") return order->sign > 0;
      return operation == "<=" ? order->sign <= 0 : order->sign >= 0;
    });
  }

  Walk& walk_;
  Element const& response_;
  Element const& questionnaire_;
  bool is_final_ = false;
  std::vector<Element const*> holders_;
};

}  // namespace

void check_questionnaire_response(Walk& walk, Element const& response, Place const& place,
                                  Surroundings const& here) {
  std::string_view const canonical = response.text_at("questionnaire");
  if (canonical.empty()) {
    return walk.report(Severity::warning, IssueType::required, place,
                       "no questionnaire is named, so the answers were not judged by one");
  }
  Element const* questionnaire = nullptr;
  if (canonical.starts_with('#')) {
    questionnaire = walk.find_target(canonical, here).resource;
  } else {
    if (walk.options().resolve) questionnaire = walk.options().resolve(canonical);
    packages::Library const& library = walk.profiles().library();
    packages::Entry const* const entry =
        questionnaire == nullptr ? library.find("Questionnaire", canonical) : nullptr;
    if (entry != nullptr) questionnaire = &library.tree(*entry);
  }
  if (questionnaire == nullptr || questionnaire->text_at("resourceType") != "Questionnaire") {
    Place const at{&place, "questionnaire"};
    return walk.report(Severity::warning, IssueType::not_found, at,
                       "the questionnaire is not known, so the answers were not judged by it");
  }
  ResponseRules(walk, response, *questionnaire).check(place);
}

}  // namespace fhir::validate
