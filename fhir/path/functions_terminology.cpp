/// %terminologies: a terminology service within an expression. Source: R4 fhirpath.html#txapi.
///
/// What the service cannot answer gives nothing, as R4 has it; what it must not be asked (too costly) is an
/// error.
#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/types.hpp"

#include <array>
#include <optional>
#include <string>

namespace fhir::path {

namespace {

using json::Arena;
using json::Element;

/// Builds the Parameters resource that the service is asked with.
class Question {
 public:
  explicit Question(Arena& arena) : arena_(arena) {
    root_.set(arena_, "resourceType", Element::of_string("Parameters"));
    root_.set(arena_, "parameter", Element::of_array());
  }

  void add(std::string_view name, std::string_view type, Element value) {
    Element& parameter = root_.find("parameter")->push(arena_, Element::of_object());
    parameter.set(arena_, "name", Element::of_string(arena_.copy(name)));
    parameter.set(arena_, arena_.copy(type), value);
  }
  void add_text(std::string_view name, std::string_view type, std::string_view text) {
    add(name, type, Element::of_string(arena_.copy(text)));
  }
  Element const& root() const { return root_; }

 private:
  Arena& arena_;
  Element root_ = Element::of_object();
};

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const is_escape =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    if (is_escape) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// "filter=a&count=5" as parameters.
void add_encoded(std::string_view text, Question& question) {
  while (!text.empty()) {
    auto const end = text.find('&');
    std::string_view const pair = text.substr(0, end);
    auto const equals = pair.find('=');
    if (equals != std::string_view::npos && equals != 0)
      question.add_text(url_decoded(pair.substr(0, equals)), "valueString",
                        url_decoded(pair.substr(equals + 1)));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

/// A canonical as text, or the resource itself.
Result<bool> add_resource(Call& call, std::size_t index, std::string_view resource_name,
                          std::string_view url_name, Question& question) {
  FHIR_TRY(Collection const given, call.argument(index));
  FHIR_TRY(auto const item, single(call.node, given));
  if (!item) return false;
  if (item->is_node() && item->value != nullptr && item->value->is_object()) {
    question.add(resource_name, "resource", *item->value);
    return true;
  }
  FHIR_TRY(auto const url, as_text(call.node, given));
  if (url) question.add_text(url_name, "valueUri", *url);
  return url.has_value();
}

struct CodedNames {
  std::string_view code;
  std::string_view coding;
  std::string_view codeable_concept;
};

Result<bool> add_coded(Call& call, std::size_t index, CodedNames const& names, Question& question) {
  FHIR_TRY(Collection const given, call.argument(index));
  FHIR_TRY(auto const item, single(call.node, given));
  if (!item) return false;
  if (item->is_node() && item->value != nullptr && item->value->is_object()) {
    bool const is_concept = item->type != nullptr && item->type->name() == "CodeableConcept";
    if (is_concept) {
      question.add(names.codeable_concept, "valueCodeableConcept", *item->value);
    } else {
      question.add(names.coding, "valueCoding", *item->value);
    }
    return true;
  }
  FHIR_TRY(auto const code, as_text(call.node, given));
  if (code) question.add_text(names.code, "valueCode", *code);
  return code.has_value();
}

Result<void> add_parameters(Call& call, std::size_t index, Question& question) {
  if (!call.has_argument(index)) return {};
  FHIR_TRY(auto const text, call.text_argument(index));
  if (text) add_encoded(*text, question);
  return {};
}

/// The answer as one resource, or nothing.
Result<Collection> ask(Call& call, std::string_view operation, Question const& question) {
  auto const& service = call.evaluation.services().terminology;
  if (!service) return error(IssueType::not_supported, "%terminologies needs a terminology service");
  FHIR_CHECK(call.evaluation.spend(64));
  FHIR_TRY(Element const* const answer, service(operation, question.root(), call.evaluation.arena()));
  return answer == nullptr ? Collection{} : Collection{root_item(*answer)};
}

constexpr CodedNames kCoded{"code", "coding", "codeableConcept"};

Result<void> check_input(Call const& call) {
  if (is_terminologies(call.input)) return {};
  return failure(call.node, "this function stands on %terminologies");
}

Result<Collection> expand(Call& call) {
  FHIR_CHECK(check_input(call));
  Question question(call.evaluation.arena());
  FHIR_TRY(bool const has_value_set, add_resource(call, 0, "valueSet", "url", question));
  FHIR_CHECK(add_parameters(call, 1, question));
  return has_value_set ? ask(call, "expand", question) : Collection{};
}

Result<Collection> lookup(Call& call) {
  FHIR_CHECK(check_input(call));
  Question question(call.evaluation.arena());
  FHIR_TRY(bool const has_code, add_coded(call, 0, kCoded, question));
  FHIR_CHECK(add_parameters(call, 1, question));
  return has_code ? ask(call, "lookup", question) : Collection{};
}

Result<Collection> validate(Call& call, std::string_view resource_name, std::string_view operation) {
  FHIR_CHECK(check_input(call));
  Question question(call.evaluation.arena());
  FHIR_TRY(bool const has_resource, add_resource(call, 0, resource_name, "url", question));
  FHIR_TRY(bool const has_code, add_coded(call, 1, kCoded, question));
  FHIR_CHECK(add_parameters(call, 2, question));
  return has_resource && has_code ? ask(call, operation, question) : Collection{};
}

Result<Collection> validate_vs(Call& call) { return validate(call, "valueSet", "validateVS"); }
Result<Collection> validate_cs(Call& call) { return validate(call, "codeSystem", "validateCS"); }

Result<Collection> translate(Call& call) {
  FHIR_CHECK(check_input(call));
  Question question(call.evaluation.arena());
  FHIR_TRY(bool const has_map, add_resource(call, 0, "conceptMap", "url", question));
  FHIR_TRY(bool const has_code, add_coded(call, 1, kCoded, question));
  FHIR_CHECK(add_parameters(call, 2, question));
  return has_map && has_code ? ask(call, "translate", question) : Collection{};
}

using T = Takes;
using G = Gives;

constexpr std::array kFunctions = {
    FunctionDefinition{"expand", 1, 2, expand, T::anything, G::unknown, true},
    FunctionDefinition{"lookup", 1, 2, lookup, T::anything, G::unknown, true},
    FunctionDefinition{"validateVS", 2, 3, validate_vs, T::anything, G::unknown, true},
    FunctionDefinition{"validateCS", 2, 3, validate_cs, T::anything, G::unknown, true},
    FunctionDefinition{"translate", 2, 3, translate, T::anything, G::unknown, true}};

}  // namespace

Item terminologies_item() { return Item::of_type_info("System", "Terminologies"); }

bool is_terminologies(Collection const& input) {
  return input.size() == 1 && input[0].kind == Item::Kind::type_info && input[0].name() == "Terminologies";
}

Result<Collection> subsumes_by_service(Call& call) {
  if (!call.has_argument(2)) return failure(call.node, "subsumes() needs a system and two codes here");
  Question question(call.evaluation.arena());
  FHIR_TRY(auto const system, call.text_argument(0));
  if (!system) return Collection{};
  question.add_text("system", "valueUri", *system);
  FHIR_TRY(bool const has_a, add_coded(call, 1, {"codeA", "codingA", "codingA"}, question));
  FHIR_TRY(bool const has_b, add_coded(call, 2, {"codeB", "codingB", "codingB"}, question));
  FHIR_CHECK(add_parameters(call, 3, question));
  if (!has_a || !has_b) return Collection{};
  FHIR_TRY(Collection const answer, ask(call, "subsumes", question));
  if (answer.empty()) return answer;
  Element const* const outcome = answer[0].value->at("parameter", 0, "valueCode");
  return outcome == nullptr ? Collection{} : Collection{Item::of_text(Item::Kind::string, outcome->text())};
}

std::span<FunctionDefinition const> terminology_functions() { return kFunctions; }

}  // namespace fhir::path
