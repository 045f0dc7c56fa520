#include "fhir/definitions/definitions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace fhir::definitions {
namespace {

using ::testing::ElementsAre;

std::vector<std::string_view> names_of(std::span<TypeDefinition const* const> types) {
  std::vector<std::string_view> names;
  for (TypeDefinition const* type : types) names.push_back(type->name());
  return names;
}

TypeDefinition const& type(std::string_view name) { return *find_type(name); }

TEST(Definitions, HoldEveryTypeOfTheSpecification) {
  EXPECT_EQ(resource_types().size(), 146U);
  std::map<TypeKind, int> count;
  for (TypeDefinition const& one : types()) ++count[one.kind()];
  EXPECT_EQ(count[TypeKind::resource], 148);  // with Resource and DomainResource
  EXPECT_EQ(count[TypeKind::primitive] + count[TypeKind::complex], 63);
  EXPECT_EQ(count[TypeKind::primitive], 20);
  for (std::string_view const name :
       {"Patient", "ServiceRequest", "Task", "Bundle", "Parameters", "Binary"}) {
    EXPECT_TRUE(is_resource_type(name)) << name;
  }
  for (std::string_view const name :
       {"Resource", "DomainResource", "HumanName", "Patient.contact", "patient", "", "Patien"}) {
    EXPECT_FALSE(is_resource_type(name)) << name;
  }
}

TEST(Definitions, FindEveryTypeAndElementByItsName) {
  std::size_t elements = 0;
  for (TypeDefinition const& one : types()) {
    EXPECT_EQ(find_type(one.name()), &one);
    std::size_t order = 0;
    for (ElementDefinition const& element : one.elements()) {
      EXPECT_EQ(find_element(one, element.name()), &element) << one.name() << "." << element.name();
      EXPECT_EQ(element.order(), order++);
      EXPECT_TRUE(element.name().starts_with(element.path_name()));
      ++elements;
    }
    EXPECT_EQ(find_element(one, "nosuchelement"), nullptr);
    EXPECT_LE(one.elements().size(), 512U) << "the validator's bit set is too small for " << one.name();
  }
  EXPECT_GT(elements, 7691U);  // the specification's rows, choices counted once
  EXPECT_EQ(find_type("Nothing"), nullptr);
}

TEST(Definitions, ElementsAreWhatTheSpecificationSays) {
  ElementDefinition const& birth_date = *resolve_path("Patient", "birthDate");
  EXPECT_EQ(birth_date.type().primitive(), Primitive::date);
  EXPECT_EQ(birth_date.min(), 0);
  EXPECT_FALSE(birth_date.repeats());
  EXPECT_TRUE(birth_date.is_summary());
  EXPECT_FALSE(birth_date.is_modifier());

  EXPECT_EQ(resolve_path("Patient", "id")->type().primitive(), Primitive::id);
  EXPECT_EQ(resolve_path("Patient", "contact.id")->type().primitive(), Primitive::string);
  EXPECT_EQ(resolve_path("Extension", "url")->type().primitive(), Primitive::uri);
  EXPECT_EQ(resolve_path("Patient", "contact")->type().name(), "Patient.contact");
  EXPECT_EQ(resolve_path("Patient", "contact")->type().base()->name(), "BackboneElement");
  EXPECT_TRUE(resolve_path("Patient", "name.given")->repeats());
  EXPECT_TRUE(resolve_path("ServiceRequest", "status")->is_modifier());
  EXPECT_EQ(resolve_path("ServiceRequest", "subject")->min(), 1);
  EXPECT_THAT(names_of(resolve_path("ServiceRequest", "subject")->targets()),
              ElementsAre("Device", "Group", "Location", "Patient"));
  EXPECT_THAT(names_of(resolve_path("Task", "focus")->targets()), ElementsAre("Resource"));
  EXPECT_EQ(resolve_path("Encounter", "participant.individual")->type().name(), "Reference");
  EXPECT_EQ(resolve_path("Encounter", "participant.nothing"), nullptr);
  EXPECT_EQ(resolve_path("Nothing", "x"), nullptr);
  EXPECT_EQ(type("Patient").base()->name(), "DomainResource");
}

TEST(Definitions, ChoicesAreOneElementPerType) {
  ElementDefinition const& quantity = *resolve_path("Observation", "valueQuantity");
  EXPECT_TRUE(quantity.is_choice());
  EXPECT_EQ(quantity.path_name(), "value");
  EXPECT_EQ(quantity.type().name(), "Quantity");
  auto const choice = find_by_path_name(type("Observation"), "value");
  EXPECT_EQ(choice.size(), 11U);
  EXPECT_EQ(find_by_path_name(type("Observation"), "value[x]").data(), choice.data());
  EXPECT_EQ(find_by_path_name(type("Observation"), "status").size(), 1U);
  EXPECT_TRUE(find_by_path_name(type("Observation"), "nothing").empty());
  EXPECT_EQ(find_by_path_name(type("Extension"), "value").size(), 50U);
  EXPECT_EQ(find_element(type("Observation"), "value"), nullptr);
}

TEST(Definitions, ContentReferencesAreTheTypeTheyReferTo) {
  EXPECT_EQ(resolve_path("Questionnaire", "item.item.item")->type().name(), "Questionnaire.item");
  EXPECT_EQ(resolve_path("Bundle", "entry.link.url")->type().primitive(), Primitive::uri);
  EXPECT_EQ(resolve_path("Observation", "component.referenceRange.low")->type().name(), "Quantity");
}

TEST(Definitions, RequiredBindingsHoldTheirCodes) {
  ElementDefinition const& gender = *resolve_path("Patient", "gender");
  ASSERT_NE(gender.binding(), nullptr);
  EXPECT_EQ(gender.binding()->value_set(), "http://hl7.org/fhir/ValueSet/administrative-gender");
  EXPECT_EQ(gender.binding()->strength(), BindingStrength::required);
  EXPECT_EQ(gender.binding()->codes().size(), 4U);
  EXPECT_TRUE(code_in_binding(gender, "", "female"));
  EXPECT_TRUE(code_in_binding(gender, "http://hl7.org/fhir/administrative-gender", "female"));
  EXPECT_FALSE(code_in_binding(gender, "http://example.org", "female"));
  EXPECT_FALSE(code_in_binding(gender, "", "F"));
  EXPECT_EQ(system_of_code(gender, "male"), "http://hl7.org/fhir/administrative-gender");
  EXPECT_EQ(system_of_code(gender, "m"), "");
  EXPECT_TRUE(code_in_binding(*resolve_path("Attachment", "contentType"), "", "any/thing"));
  EXPECT_EQ(resolve_path("Patient", "maritalStatus")->binding()->strength(), BindingStrength::extensible);
  EXPECT_TRUE(code_in_binding(*resolve_path("Patient", "maritalStatus"), "x", "y"));
  EXPECT_EQ(resolve_path("Patient", "birthDate")->binding(), nullptr);
}

TEST(Definitions, AllRequiredBindingsAreEnumeratedButThoseOfForeignCodes) {
  std::set<std::string_view> open;
  for (TypeDefinition const& one : types()) {
    for (ElementDefinition const& element : one.elements()) {
      Binding const* const binding = element.binding();
      if (binding == nullptr || binding->strength() != BindingStrength::required) continue;
      if (binding->codes().empty()) open.insert(binding->value_set());
      auto const codes = binding->codes();
      EXPECT_TRUE(std::ranges::is_sorted(
          codes, {}, [](BoundCode const& row) { return std::pair(row.code(), row.system()); }));
    }
  }
  EXPECT_THAT(open,
              ElementsAre("http://hl7.org/fhir/ValueSet/currencies", "http://hl7.org/fhir/ValueSet/mimetypes",
                          "http://hl7.org/fhir/ValueSet/ucum-units", "http://loinc.org/vs/LL379-9"));
}

TEST(Definitions, SearchParametersAreFoundByTypeAndCode) {
  EXPECT_EQ(all_search_parameters().size(), 1375U);
  SearchParameter const* const birthdate = find_search_parameter("Patient", "birthdate");
  ASSERT_NE(birthdate, nullptr);
  EXPECT_EQ(birthdate->type(), ParameterType::date);
  EXPECT_EQ(birthdate, find_search_parameter("Person", "birthdate"));
  EXPECT_EQ(find_search_parameter("Patient", "_profile"), find_search_parameter("Binary", "_profile"));
  EXPECT_EQ(find_search_parameter("Binary", "_text"), nullptr);  // of DomainResource, which Binary is not
  EXPECT_EQ(find_search_parameter("Patient", "nothing"), nullptr);
  EXPECT_EQ(find_search_parameter("Nothing", "_id"), nullptr);
  EXPECT_THAT(names_of(find_search_parameter("Observation", "patient")->targets()),
              ElementsAre("Patient", "Group"));
  SearchParameter const* const composite = find_search_parameter("Observation", "code-value-quantity");
  ASSERT_EQ(composite->components().size(), 2U);
  EXPECT_EQ(composite->components()[0].parameter().code(), "code");
  EXPECT_EQ(composite->components()[1].expression(), "value.as(Quantity)");
  for (SearchParameter const& parameter : all_search_parameters()) {
    EXPECT_EQ(&all_search_parameters()[parameter.index()], &parameter);
    EXPECT_FALSE(parameter.bases().empty()) << parameter.url();
  }
}

TEST(Definitions, SearchParametersOfATypeAreSortedAndUnique) {
  std::size_t pairs = 0;
  for (TypeDefinition const* one : resource_types()) {
    auto const parameters = search_parameters(one->name());
    for (std::size_t i = 1; i < parameters.size(); ++i)
      EXPECT_LT(parameters[i - 1]->code(), parameters[i]->code()) << one->name();
    pairs += parameters.size();
  }
  EXPECT_GT(pairs, 1721U);
}

TEST(Definitions, CompartmentsNameTheParametersThatLeadIntoThem) {
  EXPECT_THAT(compartments(), ElementsAre("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"));
  EXPECT_THAT(compartment_parameters("Patient", "Observation"), ElementsAre("subject", "performer"));
  EXPECT_TRUE(compartment_parameters("Patient", "Organization").empty());
  EXPECT_TRUE(compartment_parameters("Nothing", "Observation").empty());
  for (std::string_view const compartment : compartments()) {
    for (TypeDefinition const* one : resource_types()) {
      for (std::string_view const code : compartment_parameters(compartment, one->name())) {
        if (code == "{def}") continue;
        SearchParameter const* const parameter = find_search_parameter(one->name(), code);
        ASSERT_NE(parameter, nullptr) << compartment << " " << one->name() << " " << code;
        EXPECT_EQ(parameter->type(), ParameterType::reference);
      }
    }
  }
}

}  // namespace
}  // namespace fhir::definitions
