#include "tests/bench/ceiling_adt.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace bench {

namespace {

using mappings::hl7v2::Address;
using mappings::hl7v2::Message;
using Value = rapidjson::Value;
using Pool = rapidjson::MemoryPoolAllocator<>;

struct Code {
  std::string_view v2, fhir, display;
};

constexpr std::string_view kV2System = "http://terminology.hl7.org/CodeSystem/v2-";
constexpr std::string_view kPlannedStart =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate";
constexpr std::string_view kPlannedEnd =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate";
constexpr std::pair<std::uint16_t, std::string_view> kNumberParts[] = {
    {std::uint16_t{5}, "http://hl7.org/fhir/StructureDefinition/contactpoint-country"},
    {std::uint16_t{6}, "http://hl7.org/fhir/StructureDefinition/contactpoint-area"},
    {std::uint16_t{7}, "http://hl7.org/fhir/StructureDefinition/contactpoint-local"},
    {std::uint16_t{8}, "http://hl7.org/fhir/StructureDefinition/contactpoint-extension"}};
constexpr Code kGender[] = {{"F", "female", {}}, {"M", "male", {}}, {"O", "other", {}}, {"U", "unknown", {}}};
constexpr Code kClass[] = {
    {"I", "IMP", "inpatient encounter"}, {"O", "AMB", "ambulatory"}, {"E", "EMER", "emergency"}};
constexpr Code kMarital[] = {
    {"W", "W", "Widowed"}, {"M", "M", "Married"}, {"S", "S", "Never Married"}, {"D", "D", "Divorced"}};
constexpr Code kLanguage[] = {{"rus", "ru", "Russian"}, {"eng", "en", "English"}, {"ger", "de", "German"}};
constexpr Code kRelationship[] = {
    {"CHD", "CHILD", "child"}, {"SPO", "SPS", "spouse"}, {"PAR", "PRN", "parent"}};
constexpr Code kAllergyCategory[] = {{"DA", "medication", {}}, {"FA", "food", {}}, {"EA", "environment", {}}};
constexpr Code kSeverity[] = {{"SV", "severe", {}}, {"MO", "moderate", {}}, {"MI", "mild", {}}};
constexpr Code kNameUse[] = {{"L", "official", {}}, {"M", "maiden", {}}, {"N", "nickname", {}}};
constexpr Code kAddressUse[] = {{"H", "home", {}}, {"B", "work", {}}};
constexpr Code kTelecomUse[] = {{"PRN", "home", {}}, {"WPN", "work", {}}};
constexpr Code kTelecomSystem[] = {{"PH", "phone", {}}, {"FX", "fax", {}}, {"CP", "phone", {}}};
constexpr Code kSystems[] = {{"I10", "http://hl7.org/fhir/sid/icd-10", {}},
                             {"I10C", "http://hl7.org/fhir/sid/icd-10-cm", {}},
                             {"SCT", "http://snomed.info/sct", {}},
                             {"RXNORM", "http://www.nlm.nih.gov/research/umls/rxnorm", {}},
                             {"LN", "http://loinc.org", {}}};

template <std::size_t size>
Code const* by_v2(Code const (&table)[size], std::string_view code) {
  for (Code const& one : table) {
    if (one.v2 == code) return &one;
  }
  return nullptr;
}

template <std::size_t size>
std::string_view v2_of(Code const (&table)[size], std::string_view code) {
  for (Code const& one : table) {
    if (one.fhir == code) return one.v2;
  }
  return {};
}

// ------------------------------------------------------------------------------------------- v2 to FHIR

class Mapper {
 public:
  Mapper(Message const& message, std::span<std::string const> references, Pool& pool)
      : message_(message), references_(references), pool_(pool) {}

  void run() {
    for (std::uint32_t segment = 0; segment < message_.segment_count(); ++segment) {
      auto const id = message_.segment_id(segment);
      if (id == "PID") pid(segment);
      if (id == "PD1") pd1(segment);
      if (id == "NK1") nk1(segment);
      if (id == "PV1") pv1(segment);
      if (id == "PV2") pv2(segment);
      if (id == "AL1") al1(segment);
      if (id == "DG1") dg1(segment);
      if (id == "PR1") pr1(segment);
      if (id == "IN1") in1(segment);
    }
  }

  void write(std::string& out) {
    for (Value const& resource : resources_) {
      buffer_.Clear();
      rapidjson::Writer<rapidjson::StringBuffer> writer(buffer_);
      resource.Accept(writer);
      out.append(buffer_.GetString(), buffer_.GetSize());
      out.push_back('\n');
    }
  }

 private:
  using At = Address;

  static Value view(std::string_view text) {
    return Value(rapidjson::StringRef(text.data(), static_cast<rapidjson::SizeType>(text.size())));
  }
  Value copy(std::string_view text) {
    return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), pool_);
  }
  static At part(At at, std::uint16_t component, std::uint16_t subcomponent = 0) {
    at.component = component;
    at.subcomponent = subcomponent;
    return at;
  }
  std::string_view raw(At at) const { return message_.raw(at); }
  Value text(At at) {
    auto const bytes = message_.raw(at);
    if (bytes.find(message_.delimiters().escape) == std::string_view::npos) return view(bytes);
    return copy(message_.text(at));
  }
  void add(Value& object, std::string_view name, Value value) {
    object.AddMember(view(name), std::move(value), pool_);
  }
  void add_text(Value& object, std::string_view name, At at) {
    if (!raw(at).empty()) add(object, name, text(at));
  }
  static Value object() { return Value(rapidjson::kObjectType); }
  Value array_of(Value item) {
    Value array(rapidjson::kArrayType);
    array.PushBack(std::move(item), pool_);
    return array;
  }

  std::size_t begin(std::string_view type) {
    resources_.push_back(object());
    add(resources_.back(), "resourceType", view(type));
    return resources_.size() - 1;
  }
  Value reference(std::size_t index) {
    Value to = object();
    add(to, "reference", view(references_[index]));
    return to;
  }

  Value coding(std::string_view system, std::string_view code, std::string_view display) {
    Value one = object();
    if (!system.empty()) add(one, "system", view(system));
    add(one, "code", view(code));
    if (!display.empty()) add(one, "display", view(display));
    return one;
  }
  Value concept_of(Value one) {
    Value made = object();
    add(made, "coding", array_of(std::move(one)));
    return made;
  }
  /// CWE: its own system, or the HL7 table of the field.
  Value cwe_coding(At at, std::string_view table) {
    Value one = object();
    auto const named = raw(part(at, 3));
    if (Code const* const known = by_v2(kSystems, named)) {
      add(one, "system", view(known->fhir));
    } else if (!table.empty()) {
      std::string system(kV2System);
      add(one, "system", copy(system.append(table)));
    } else if (!named.empty()) {
      add(one, "system", copy("urn:site:unknown:" + std::string(named)));
    }
    add(one, "code", text(part(at, 1)));
    add_text(one, "display", part(at, 2));
    return one;
  }
  Value cwe(At at, std::string_view table = {}) { return concept_of(cwe_coding(at, table)); }

  /// HD inside a CX or XCN: the OID, or a name of ours.
  void add_authority(Value& identifier, At at, bool with_name) {
    auto const universal = raw(part(at, 4, 2));
    auto const name = raw(part(at, 4, 1));
    if (!universal.empty()) {
      add(identifier, "system", copy("urn:oid:" + std::string(universal)));
      if (with_name && !name.empty()) {
        Value assigner = object();
        add(assigner, "display", text(part(at, 4, 1)));
        add(identifier, "assigner", std::move(assigner));
      }
    } else if (!name.empty()) {
      add(identifier, "system", copy("urn:site:unknown:" + std::string(name)));
    }
  }
  Value cx(At at) {
    Value identifier = object();
    if (auto const type = raw(part(at, 5)); !type.empty()) {
      add(identifier, "type", concept_of(coding("http://terminology.hl7.org/CodeSystem/v2-0203", type, {})));
    }
    add_authority(identifier, at, true);
    add(identifier, "value", text(part(at, 1)));
    return identifier;
  }
  /// XPN from the component of the family name on.
  Value name_from(At at, std::uint16_t family, std::uint16_t use) {
    Value name = object();
    if (Code const* const known = use == 0 ? nullptr : by_v2(kNameUse, raw(part(at, use)))) {
      add(name, "use", view(known->fhir));
    }
    add_text(name, "family", part(at, family, 1));
    Value given(rapidjson::kArrayType);
    for (int const more : {1, 2}) {
      At const from = part(at, static_cast<std::uint16_t>(family + more));
      if (!raw(from).empty()) given.PushBack(text(from), pool_);
    }
    if (!given.Empty()) add(name, "given", std::move(given));
    At const prefix = part(at, static_cast<std::uint16_t>(family + 4));
    if (!raw(prefix).empty()) add(name, "prefix", array_of(text(prefix)));
    return name;
  }
  Value xad(At at) {
    Value address = object();
    if (Code const* const use = by_v2(kAddressUse, raw(part(at, 7)))) add(address, "use", view(use->fhir));
    if (!raw(part(at, 1, 1)).empty()) add(address, "line", array_of(text(part(at, 1, 1))));
    add_text(address, "city", part(at, 3));
    add_text(address, "state", part(at, 4));
    add_text(address, "postalCode", part(at, 5));
    add_text(address, "country", part(at, 6));
    return address;
  }
  Value xtn(At at) {
    Value telecom = object();
    Value parts(rapidjson::kArrayType);
    for (auto const& [component, url] : kNumberParts) {
      if (raw(part(at, component)).empty()) continue;
      Value one = object();
      add(one, "url", view(url));
      add(one, "valueString", text(part(at, component)));
      parts.PushBack(std::move(one), pool_);
    }
    if (!parts.Empty()) add(telecom, "extension", std::move(parts));
    Code const* const system = by_v2(kTelecomSystem, raw(part(at, 3)));
    add(telecom, "system", view(system == nullptr ? "phone" : system->fhir));
    std::string number(raw(part(at, 1)));
    if (number.empty()) {
      if (auto const country = raw(part(at, 5)); !country.empty())
        number.append("+").append(country).append(" ");
      if (auto const area = raw(part(at, 6)); !area.empty()) number.append("(").append(area).append(") ");
      number.append(raw(part(at, 7)));
    }
    add(telecom, "value", copy(number));
    if (Code const* const use = by_v2(kTelecomUse, raw(part(at, 2)))) add(telecom, "use", view(use->fhir));
    return telecom;
  }
  Value dtm(std::string_view digits) {
    std::string time;
    auto const piece = [&](std::size_t from, std::size_t size, char const* before) {
      if (digits.size() >= from + size) time.append(before).append(digits.substr(from, size));
    };
    std::string_view zone = "+0000";
    if (auto const sign = digits.find_first_of("+-"); sign != std::string_view::npos) {
      zone = digits.substr(sign);
      digits = digits.substr(0, sign);
    }
    piece(0, 4, "");
    piece(4, 2, "-");
    piece(6, 2, "-");
    if (digits.size() >= 12) {
      piece(8, 2, "T");
      piece(10, 2, ":");
      time.append(":").append(digits.size() >= 14 ? digits.substr(12, 2) : "00");
      time.append(zone.substr(0, 3)).append(":").append(zone.substr(3));
    }
    return copy(time);
  }
  void add_time(Value& object, std::string_view name, At at) {
    if (auto const digits = raw(at); !digits.empty()) add(object, name, dtm(digits));
  }

  /// XCN: one Practitioner per number, made once.
  std::size_t practitioner(At at) {
    auto const number = raw(part(at, 1));
    for (auto const& [known, index] : practitioners_) {
      if (known == number) return index;
    }
    auto const index = begin("Practitioner");
    practitioners_.emplace_back(number, index);
    Value identifier = object();
    add(identifier, "value", text(part(at, 1)));
    add(resources_[index], "identifier", array_of(std::move(identifier)));
    add(resources_[index], "name", array_of(name_from(at, 2, 0)));
    return index;
  }
  Value typed_reference(std::string_view type, std::size_t index) {
    Value to = object();
    add(to, "type", view(type));
    add(to, "reference", view(references_[index]));
    return to;
  }

  void pid(std::uint32_t s) {
    patient_ = begin("Patient");
    auto& patient = resources_[patient_];
    add(patient, "identifier", array_of(cx({s, 3, 1})));
    add(patient, "name", array_of(name_from({s, 5, 1}, 1, 7)));
    add_time(patient, "birthDate", {s, 7, 1});
    if (Code const* const gender = by_v2(kGender, raw({s, 8, 1}))) add(patient, "gender", view(gender->fhir));
    add(patient, "address", array_of(xad({s, 11, 1})));
    add(patient, "telecom", array_of(xtn({s, 13, 1})));
    if (!raw({s, 15, 1}).empty()) {
      Value communication = object();
      Value language = cwe({s, 15, 1}, "0296");
      if (Code const* const known = by_v2(kLanguage, raw({s, 15, 1, 1}))) {
        language["coding"].PushBack(coding("urn:ietf:bcp:47", known->fhir, known->display), pool_);
      }
      add(communication, "language", std::move(language));
      add(patient, "communication", array_of(std::move(communication)));
    }
    if (!raw({s, 16, 1}).empty())
      add(patient, "maritalStatus", with_standard({s, 16, 1}, "0002", kMarital, "v3-MaritalStatus"));
    if (!raw({s, 18, 1}).empty()) account({s, 18, 1});
  }
  void account(At at) {
    account_ = begin("Account");
    add(resources_[*account_], "identifier", array_of(cx(at)));
    add(resources_[*account_], "status", view("active"));
    add(resources_[*account_], "subject", array_of(reference(patient_)));
  }
  /// The sender's coding and the standard's beside it.
  template <std::size_t size>
  Value with_standard(At at, std::string_view table, Code const (&codes)[size], std::string_view system) {
    Value both = cwe(at, table);
    if (Code const* const known = by_v2(codes, raw(part(at, 1)))) {
      std::string url("http://terminology.hl7.org/CodeSystem/");
      Value standard = object();
      add(standard, "system", copy(url.append(system)));
      add(standard, "code", view(known->fhir));
      add(standard, "display", view(known->display));
      both["coding"].PushBack(std::move(standard), pool_);
    }
    return both;
  }
  void pd1(std::uint32_t s) {
    Value general(rapidjson::kArrayType);
    if (!raw({s, 3, 1}).empty()) {
      auto const index = begin("Organization");
      Value identifier = object();
      add(identifier, "value", text({s, 3, 1, 3}));
      add(resources_[index], "identifier", array_of(std::move(identifier)));
      add(resources_[index], "name", text({s, 3, 1, 1}));
      general.PushBack(typed_reference("Organization", index), pool_);
    }
    if (!raw({s, 4, 1}).empty()) {
      general.PushBack(typed_reference("Practitioner", practitioner({s, 4, 1})), pool_);
    }
    add(resources_[patient_], "generalPractitioner", std::move(general));
  }
  void nk1(std::uint32_t s) {
    auto const index = begin("RelatedPerson");
    auto& person = resources_[index];
    add(person, "name", array_of(name_from({s, 2, 1}, 1, 7)));
    Value relationship = array_of(with_standard({s, 3, 1}, "0063", kRelationship, "v3-RoleCode"));
    if (!raw({s, 7, 1}).empty()) relationship.PushBack(cwe({s, 7, 1}, "0131"), pool_);
    add(person, "relationship", std::move(relationship));
    add(person, "telecom", array_of(xtn({s, 5, 1})));
    add(person, "patient", reference(patient_));
  }
  Value location(At at) {
    auto const index = begin("Location");
    Value identifiers(rapidjson::kArrayType);
    std::string name;
    static constexpr std::array<std::pair<std::uint16_t, std::string_view>, 4> kParts{
        {{4, "urn:handoff:location-part:facility"},
         {1, "urn:handoff:location-part:point-of-care"},
         {2, "urn:handoff:location-part:room"},
         {3, "urn:handoff:location-part:bed"}}};
    for (auto const& [component, system] : kParts) {
      auto const value = raw(part(at, component, 1));
      if (value.empty()) continue;
      Value identifier = object();
      add(identifier, "system", view(system));
      add(identifier, "value", text(part(at, component, 1)));
      identifiers.PushBack(std::move(identifier), pool_);
      if (!name.empty()) name.push_back(' ');
      name.append(value);
    }
    add(resources_[index], "identifier", std::move(identifiers));
    add(resources_[index], "name", copy(name));
    return reference(index);
  }
  void add_location(Value& locations, std::string_view status, At at) {
    if (raw(at).empty()) return;
    Value item = object();
    add(item, "status", view(status));
    add(item, "location", location(at));
    locations.PushBack(std::move(item), pool_);
  }
  void add_participant(Value& participants, std::string_view code, std::string_view display, At at) {
    if (raw(at).empty()) return;
    Value item = object();
    add(item, "type",
        array_of(
            concept_of(coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", code, display))));
    add(item, "individual", reference(practitioner(at)));
    participants.PushBack(std::move(item), pool_);
  }
  void pv1(std::uint32_t s) {
    visit_ = begin("Encounter");
    if (Code const* const known = by_v2(kClass, raw({s, 2, 1}))) {
      Value visit_class =
          coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", known->fhir, known->display);
      add(resources_[visit_], "class", std::move(visit_class));
    }
    Value locations(rapidjson::kArrayType);
    add_location(locations, "active", {s, 3, 1});
    add_location(locations, "completed", {s, 6, 1});
    add(resources_[visit_], "location", std::move(locations));
    if (!raw({s, 4, 1}).empty()) add(resources_[visit_], "type", array_of(cwe({s, 4, 1}, "0007")));
    Value participants(rapidjson::kArrayType);
    add_participant(participants, "ATND", "attender", {s, 7, 1});
    add_participant(participants, "REF", "referrer", {s, 8, 1});
    add_participant(participants, "ADM", "admitter", {s, 17, 1});
    add(resources_[visit_], "participant", std::move(participants));
    if (!raw({s, 10, 1}).empty()) add(resources_[visit_], "serviceType", cwe({s, 10, 1}, "0069"));
    if (!raw({s, 14, 1}).empty()) {
      Value hospitalization = object();
      add(hospitalization, "admitSource", cwe({s, 14, 1}, "0023"));
      add(resources_[visit_], "hospitalization", std::move(hospitalization));
    }
    add(resources_[visit_], "identifier", array_of(cx({s, 19, 1})));
    Value period = object();
    add_time(period, "start", {s, 44, 1});
    add_time(period, "end", {s, 45, 1});
    add(resources_[visit_], "period", std::move(period));
    add(resources_[visit_], "status", view("in-progress"));
    add(resources_[visit_], "subject", reference(patient_));
    if (account_) add(resources_[visit_], "account", array_of(reference(*account_)));
  }
  void add_planned(Value& extensions, std::string_view url, At at) {
    auto const digits = raw(at);
    if (digits.empty()) return;
    Value planned = object();
    add(planned, "url", view(url));
    add(planned, "valueDateTime", dtm(digits));
    extensions.PushBack(std::move(planned), pool_);
  }
  void pv2(std::uint32_t s) {
    auto& visit = resources_[visit_];
    Value planned(rapidjson::kArrayType);
    add_planned(planned, kPlannedStart, {s, 8, 1});
    add_planned(planned, kPlannedEnd, {s, 9, 1});
    if (!planned.Empty()) add(visit, "extension", std::move(planned));
    if (!raw({s, 3, 1}).empty()) add(visit, "reasonCode", array_of(cwe({s, 3, 1})));
    if (auto const days = raw({s, 11, 1}); !days.empty()) {
      Value length = object();
      int number = 0;
      for (char const digit : days) number = number * 10 + (digit - '0');
      add(length, "value", Value(number));
      add(length, "unit", view("days"));
      add(length, "code", view("d"));
      add(length, "system", view("http://unitsofmeasure.org"));
      add(visit, "length", std::move(length));
    }
  }
  void al1(std::uint32_t s) {
    auto const index = begin("AllergyIntolerance");
    auto& allergy = resources_[index];
    if (Code const* const category = by_v2(kAllergyCategory, raw({s, 2, 1, 1}))) {
      add(allergy, "category", array_of(view(category->fhir)));
      add(allergy, "type", view("allergy"));
    }
    add(allergy, "code", cwe({s, 3, 1}));
    Value reaction = object();
    if (Code const* const severity = by_v2(kSeverity, raw({s, 4, 1, 1}))) {
      add(reaction, "severity", view(severity->fhir));
    }
    Value manifestations(rapidjson::kArrayType);
    for (std::uint16_t n = 1; n <= message_.repetition_count(s, 5); ++n) {
      Value manifestation = object();
      add(manifestation, "text", text({s, 5, n}));
      manifestations.PushBack(std::move(manifestation), pool_);
    }
    add(reaction, "manifestation", std::move(manifestations));
    add(allergy, "reaction", array_of(std::move(reaction)));
    add(allergy, "clinicalStatus",
        concept_of(
            coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "Active")));
    add(allergy, "patient", reference(patient_));
  }
  void dg1(std::uint32_t s) {
    auto const index = begin("Condition");
    auto& condition = resources_[index];
    add(condition, "code", cwe({s, 3, 1}));
    add_time(condition, "onsetDateTime", {s, 5, 1});
    if (!raw({s, 6, 1}).empty()) add(condition, "category", array_of(cwe({s, 6, 1}, "0052")));
    add(condition, "subject", reference(patient_));
    add(condition, "encounter", reference(visit_));
    Value diagnosis = object();
    add(diagnosis, "condition", reference(index));
    auto& visit = resources_[visit_];
    if (auto const all = visit.FindMember("diagnosis"); all != visit.MemberEnd()) {
      all->value.PushBack(std::move(diagnosis), pool_);
    } else {
      add(visit, "diagnosis", array_of(std::move(diagnosis)));
    }
  }
  void pr1(std::uint32_t s) {
    auto const index = begin("Procedure");
    add(resources_[index], "code", cwe({s, 3, 1}));
    add_time(resources_[index], "performedDateTime", {s, 5, 1});
    if (!raw({s, 12, 1}).empty()) {
      Value performer = object();
      add(performer, "actor", reference(practitioner({s, 12, 1})));
      add(resources_[index], "performer", array_of(std::move(performer)));
    }
    add(resources_[index], "status", view("completed"));
    add(resources_[index], "subject", reference(patient_));
    add(resources_[index], "encounter", reference(visit_));
  }
  void in1(std::uint32_t s) {
    auto const index = begin("Coverage");
    Value plan = object();
    add(plan, "type",
        concept_of(coding("http://terminology.hl7.org/CodeSystem/coverage-class", "plan", "Plan")));
    add(plan, "value", text({s, 2, 1, 1}));
    add_text(plan, "name", {s, 2, 1, 2});
    add(resources_[index], "class", array_of(std::move(plan)));
    add_text(resources_[index], "subscriberId", {s, 36, 1});
    add(resources_[index], "status", view("active"));
    add(resources_[index], "beneficiary", reference(patient_));
    auto const payor = begin("Organization");
    add(resources_[payor], "identifier", array_of(cx({s, 3, 1})));
    add(resources_[payor], "name", text({s, 4, 1, 1}));
    add(resources_[index], "payor", array_of(reference(payor)));
  }

  Message const& message_;
  std::span<std::string const> references_;
  Pool& pool_;
  rapidjson::StringBuffer buffer_;
  std::vector<Value> resources_;
  std::vector<std::pair<std::string_view, std::size_t>> practitioners_;
  std::size_t patient_ = 0, visit_ = 0;
  std::optional<std::size_t> account_;
};

// ------------------------------------------------------------------------------------------- FHIR to v2

/// One segment: fields by number, joined when it ends.
class Segment {
 public:
  explicit Segment(std::string& out, std::string_view id) : out_(out) { out_.append(id); }
  ~Segment() { out_.push_back('\r'); }
  Segment(Segment const&) = delete;
  Segment& operator=(Segment const&) = delete;

  /// Fields come in ascending order.
  std::string& field(int number) {
    for (; at_ < number; ++at_) out_.push_back('|');
    return out_;
  }

 private:
  std::string& out_;
  int at_ = 0;
};

/// A component list that writes no separators behind its last value.
class Components {
 public:
  explicit Components(std::string& out, char separator = '^') : out_(out), separator_(separator) {}
  void put(int number, std::string_view text) {
    if (text.empty()) return;
    for (; at_ < number; ++at_) out_.push_back(separator_);
    for (char const c : text) {
      switch (c) {
        case '|':
          out_.append("\\F\\");
          break;
        case '^':
          out_.append("\\S\\");
          break;
        case '~':
          out_.append("\\R\\");
          break;
        case '&':
          out_.append("\\T\\");
          break;
        case '\\':
          out_.append("\\E\\");
          break;
        default:
          out_.push_back(c);
      }
    }
  }
  /// For what is joined already.
  void put_raw(int number, std::string_view text) {
    if (text.empty()) return;
    for (; at_ < number; ++at_) out_.push_back(separator_);
    out_.append(text);
  }

 private:
  std::string& out_;
  char separator_;
  int at_ = 1;
};

Value const* find(Value const* from, char const* name) {
  if (from == nullptr || !from->IsObject()) return nullptr;
  auto const member = from->FindMember(name);
  return member == from->MemberEnd() ? nullptr : &member->value;
}
Value const* first(Value const* from, char const* name) {
  Value const* const found = find(from, name);
  return found != nullptr && found->IsArray() && !found->Empty() ? &(*found)[0] : nullptr;
}
std::string_view string_of(Value const* value) {
  if (value == nullptr || !value->IsString()) return {};
  return {value->GetString(), value->GetStringLength()};
}
std::string_view text_at(Value const* from, char const* name) { return string_of(find(from, name)); }

class Writer {
 public:
  Writer(Value const& bundle, Header header) : header_(header) {
    for (Value const& entry : bundle["entry"].GetArray()) {
      resources_.push_back({text_at(&entry, "fullUrl"), find(&entry, "resource")});
    }
  }

  std::string adt() {
    Value const* const visit = of_type("Encounter");
    Value const* const patient = resolve(find(visit, "subject"));
    if (patient == nullptr) return {};
    msh("ADT^A01^ADT_A01");
    {
      Segment evn(out_, "EVN");
      evn.field(2).append(header_.timestamp);
    }
    pid(patient);
    pd1(patient);
    each("RelatedPerson", [this](Value const* one, int n) { nk1(one, n); });
    pv1(visit);
    pv2(visit);
    each("AllergyIntolerance", [this](Value const* one, int n) { al1(one, n); });
    each("Condition", [this](Value const* one, int n) { dg1(one, n); });
    each("Procedure", [this](Value const* one, int n) { pr1(one, n); });
    each("Coverage", [this](Value const* one, int n) { in1(one, n); });
    return std::move(out_);
  }

  std::string ref() {
    Value const* const request = of_type("ServiceRequest");
    Value const* const patient = resolve(find(request, "subject"));
    if (patient == nullptr) return {};
    msh("REF^I12^REF_I12");
    rf1(request, of_type("Task"));
    prd(resolve(find(request, "requester")));
    prd(resolve(first(request, "performer")));
    pid(patient);
    each("Condition", [this](Value const* one, int n) { dg1(one, n); });
    each("AllergyIntolerance", [this](Value const* one, int n) { al1(one, n); });
    return std::move(out_);
  }

 private:
  struct Named {
    std::string_view url;
    Value const* resource;
  };

  Value const* of_type(std::string_view type) const {
    for (Named const& one : resources_) {
      if (text_at(one.resource, "resourceType") == type) return one.resource;
    }
    return nullptr;
  }
  template <class Take>
  void each(std::string_view type, Take const& take) const {
    int n = 0;
    for (Named const& one : resources_) {
      if (text_at(one.resource, "resourceType") == type) take(one.resource, ++n);
    }
  }
  Value const* resolve(Value const* reference) const {
    auto const url = text_at(reference, "reference");
    if (url.empty()) return nullptr;
    for (Named const& one : resources_) {
      if (one.url == url) return one.resource;
    }
    return nullptr;
  }

  static std::string dtm(std::string_view time) {
    std::string digits;
    for (char const c : time.substr(0, 19)) {
      if (c >= '0' && c <= '9') digits.push_back(c);
    }
    if (time.size() >= 25) digits.append(1, time[19]).append(time.substr(20, 2)).append(time.substr(23, 2));
    return digits;
  }
  static std::string_view named_system(std::string_view system) {
    for (Code const& one : kSystems) {
      if (one.fhir == system) return one.v2;
    }
    return {};
  }

  void cwe(std::string& to, Value const* from) const {
    Value const* const coding = first(from, "coding");
    Components parts(to);
    parts.put(1, text_at(coding, "code"));
    parts.put(2, text_at(coding, "display"));
    parts.put(3, named_system(text_at(coding, "system")));
  }
  /// HD as the subcomponents of a CX-4.
  static std::string authority(Value const* identifier) {
    std::string hd;
    Components parts(hd, '&');
    auto const system = text_at(identifier, "system");
    constexpr std::string_view kOid = "urn:oid:", kUnknown = "urn:site:unknown:";
    if (system.starts_with(kOid)) {
      parts.put(1, text_at(find(identifier, "assigner"), "display"));
      parts.put(2, system.substr(kOid.size()));
      parts.put(3, "ISO");
    } else if (system.starts_with(kUnknown)) {
      parts.put(1, system.substr(kUnknown.size()));
    }
    return hd;
  }
  void cx(std::string& to, Value const* identifier) const {
    Components parts(to);
    parts.put(1, text_at(identifier, "value"));
    parts.put_raw(4, authority(identifier));
    parts.put(5, text_at(first(find(identifier, "type"), "coding"), "code"));
  }
  static void names(Components& parts, Value const* name, int family) {
    parts.put(family, text_at(name, "family"));
    if (Value const* const given = find(name, "given")) {
      int at = family;
      for (Value const& one : given->GetArray()) parts.put(++at, string_of(&one));
    }
    parts.put(family + 4, string_of(first(name, "prefix")));
  }
  static void xpn(std::string& to, Value const* name) {
    Components parts(to);
    names(parts, name, 1);
    parts.put(7, v2_of(kNameUse, text_at(name, "use")));
  }
  void xcn(std::string& to, Value const* practitioner) const {
    Components parts(to);
    parts.put(1, text_at(first(practitioner, "identifier"), "value"));
    names(parts, first(practitioner, "name"), 2);
  }
  static void xad(std::string& to, Value const* address) {
    Components parts(to);
    parts.put(1, string_of(first(address, "line")));
    parts.put(3, text_at(address, "city"));
    parts.put(4, text_at(address, "state"));
    parts.put(5, text_at(address, "postalCode"));
    parts.put(6, text_at(address, "country"));
    parts.put(7, v2_of(kAddressUse, text_at(address, "use")));
  }
  static void xtn(std::string& to, Value const* telecom) {
    if (telecom == nullptr) return;
    Components parts(to);
    auto const number = text_at(telecom, "value");
    parts.put(1, number);
    parts.put(2, v2_of(kTelecomUse, text_at(telecom, "use")));
    parts.put(3, v2_of(kTelecomSystem, text_at(telecom, "system")));
    // The parts only where they are those of the number.
    std::string digits;
    for (auto const& [component, url] : kNumberParts) {
      add_digits(digits, extension(telecom, url, "valueString"));
    }
    std::string all;
    add_digits(all, number);
    if (digits.empty() || digits != all) return;
    for (auto const& [component, url] : kNumberParts) {
      parts.put(component, extension(telecom, url, "valueString"));
    }
  }
  static void add_digits(std::string& digits, std::string_view text) {
    for (char const c : text) {
      if (c >= '0' && c <= '9') digits.push_back(c);
    }
  }
  void pl(std::string& to, Value const* location) const {
    Components parts(to);
    auto const part = [&](std::string_view system) {
      if (Value const* const identifiers = find(location, "identifier")) {
        for (Value const& one : identifiers->GetArray()) {
          if (text_at(&one, "system") == system) return text_at(&one, "value");
        }
      }
      return std::string_view{};
    };
    parts.put(1, part("urn:handoff:location-part:point-of-care"));
    parts.put(2, part("urn:handoff:location-part:room"));
    parts.put(3, part("urn:handoff:location-part:bed"));
    parts.put(4, part("urn:handoff:location-part:facility"));
  }

  void msh(std::string_view type) {
    out_.reserve(1500);
    out_.append("MSH|^~\\&|||||").append(header_.timestamp).append("||").append(type).append("|");
    out_.append(header_.control_id).append("|P|2.5.1\r");
  }
  void text(std::string& to, std::string_view value) const { Components(to).put(1, value); }

  void pid(Value const* patient) {
    Segment pid(out_, "PID");
    pid.field(1).append("1");
    cx(pid.field(3), first(patient, "identifier"));
    xpn(pid.field(5), first(patient, "name"));
    pid.field(7).append(dtm(text_at(patient, "birthDate")));
    pid.field(8).append(v2_of(kGender, text_at(patient, "gender")));
    xad(pid.field(11), first(patient, "address"));
    xtn(pid.field(13), first(patient, "telecom"));
    if (Value const* const spoken = first(patient, "communication"))
      cwe(pid.field(15), find(spoken, "language"));
    if (Value const* const marital = find(patient, "maritalStatus")) cwe(pid.field(16), marital);
    if (Value const* const account = of_type("Account")) cx(pid.field(18), first(account, "identifier"));
  }
  void pd1(Value const* patient) {
    Value const* const general = find(patient, "generalPractitioner");
    if (general == nullptr) return;
    Segment pd1(out_, "PD1");
    for (Value const& one : general->GetArray()) {
      Value const* const resource = resolve(&one);
      if (text_at(&one, "type") == "Organization") {
        Components parts(pd1.field(3));
        parts.put(1, text_at(resource, "name"));
        parts.put(10, text_at(first(resource, "identifier"), "value"));
      } else {
        xcn(pd1.field(4), resource);
      }
    }
  }
  void nk1(Value const* person, int n) {
    Segment nk1(out_, "NK1");
    nk1.field(1).append(std::to_string(n));
    xpn(nk1.field(2), first(person, "name"));
    cwe(nk1.field(3), first(person, "relationship"));
    xtn(nk1.field(5), first(person, "telecom"));
    Value const* const all = find(person, "relationship");
    if (all != nullptr && all->Size() > 1) cwe(nk1.field(7), &(*all)[1]);
  }
  Value const* with(Value const* visit, char const* list, char const* member, std::string_view code,
                    char const* wanted) const {
    Value const* const all = find(visit, list);
    if (all == nullptr) return nullptr;
    for (Value const& one : all->GetArray()) {
      Value const* const mark = find(&one, member);
      auto const is = mark != nullptr && mark->IsArray()
                          ? text_at(first(first(&one, member), "coding"), "code")
                          : string_of(mark);
      if (is == code) return resolve(find(&one, wanted));
    }
    return nullptr;
  }
  void pv1(Value const* visit) {
    Segment pv1(out_, "PV1");
    pv1.field(1).append("1");
    pv1.field(2).append(v2_of(kClass, text_at(find(visit, "class"), "code")));
    pl(pv1.field(3), with(visit, "location", "status", "active", "location"));
    cwe(pv1.field(4), first(visit, "type"));
    pl(pv1.field(6), with(visit, "location", "status", "completed", "location"));
    xcn(pv1.field(7), with(visit, "participant", "type", "ATND", "individual"));
    xcn(pv1.field(8), with(visit, "participant", "type", "REF", "individual"));
    cwe(pv1.field(10), find(visit, "serviceType"));
    cwe(pv1.field(14), find(find(visit, "hospitalization"), "admitSource"));
    xcn(pv1.field(17), with(visit, "participant", "type", "ADM", "individual"));
    cx(pv1.field(19), first(visit, "identifier"));
    pv1.field(44).append(dtm(text_at(find(visit, "period"), "start")));
  }
  static std::string_view extension(Value const* of, std::string_view url, char const* value) {
    if (Value const* const extensions = find(of, "extension")) {
      for (Value const& one : extensions->GetArray()) {
        if (text_at(&one, "url") == url) return text_at(&one, value);
      }
    }
    return {};
  }
  void pv2(Value const* visit) {
    Segment pv2(out_, "PV2");
    cwe(pv2.field(3), first(visit, "reasonCode"));
    pv2.field(8).append(dtm(extension(visit, kPlannedStart, "valueDateTime")));
    pv2.field(9).append(dtm(extension(visit, kPlannedEnd, "valueDateTime")));
    if (Value const* const days = find(find(visit, "length"), "value")) {
      pv2.field(11).append(std::to_string(days->GetInt()));
    }
  }
  void al1(Value const* allergy, int n) {
    Segment al1(out_, "AL1");
    al1.field(1).append(std::to_string(n));
    al1.field(2).append(v2_of(kAllergyCategory, string_of(first(allergy, "category"))));
    cwe(al1.field(3), find(allergy, "code"));
    Value const* const reaction = first(allergy, "reaction");
    al1.field(4).append(v2_of(kSeverity, text_at(reaction, "severity")));
    text(al1.field(5), text_at(first(reaction, "manifestation"), "text"));
  }
  void dg1(Value const* condition, int n) {
    Segment dg1(out_, "DG1");
    dg1.field(1).append(std::to_string(n));
    cwe(dg1.field(3), find(condition, "code"));
    dg1.field(5).append(dtm(text_at(condition, "onsetDateTime")));
    cwe(dg1.field(6), first(condition, "category"));
  }
  void pr1(Value const* procedure, int n) {
    Segment pr1(out_, "PR1");
    pr1.field(1).append(std::to_string(n));
    cwe(pr1.field(3), find(procedure, "code"));
    pr1.field(5).append(dtm(text_at(procedure, "performedDateTime")));
    xcn(pr1.field(12), resolve(find(first(procedure, "performer"), "actor")));
  }
  void in1(Value const* coverage, int n) {
    Segment in1(out_, "IN1");
    in1.field(1).append(std::to_string(n));
    Components plan(in1.field(2));
    plan.put(1, text_at(first(coverage, "class"), "value"));
    plan.put(2, text_at(first(coverage, "class"), "name"));
    Value const* const payor = resolve(first(coverage, "payor"));
    cx(in1.field(3), first(payor, "identifier"));
    text(in1.field(4), text_at(payor, "name"));
    text(in1.field(36), text_at(coverage, "subscriberId"));
  }
  void rf1(Value const* request, Value const* task) {
    Segment rf1(out_, "RF1");
    if (text_at(request, "priority") == "asap") rf1.field(2).append("A");
    if (text_at(request, "priority") == "stat") rf1.field(2).append("S");
    cwe_of(rf1, 3, find(request, "category"), "v2-0281");
    cwe_of(rf1, 4, find(request, "orderDetail"), "v2-0282");
    cwe_of(rf1, 5, find(request, "category"), "v2-0284");
    Value const* const placer = first(request, "identifier");
    Components number(rf1.field(6));
    number.put(1, text_at(placer, "value"));
    number.put(2, text_at(find(placer, "assigner"), "display"));
    constexpr std::string_view kOid = "urn:oid:";
    if (auto const system = text_at(placer, "system"); system.starts_with(kOid)) {
      number.put(3, system.substr(kOid.size()));
      number.put(4, "ISO");
    }
    rf1.field(7).append(dtm(text_at(find(request, "occurrencePeriod"), "start")));
    rf1.field(8).append(dtm(text_at(find(find(task, "restriction"), "period"), "end")));
    rf1.field(9).append(dtm(text_at(request, "authoredOn")));
    cwe(rf1.field(10), first(request, "reasonCode"));
  }
  /// The concept of that HL7 table among several.
  void cwe_of(Segment& segment, int field, Value const* concepts, std::string_view table) const {
    if (concepts == nullptr) return;
    for (Value const& one : concepts->GetArray()) {
      if (text_at(first(&one, "coding"), "system").ends_with(table)) return cwe(segment.field(field), &one);
    }
  }
  void prd(Value const* role) {
    if (role == nullptr) return;
    Value const* const person = resolve(find(role, "practitioner"));
    Value const* const organization = resolve(find(role, "organization"));
    Segment prd(out_, "PRD");
    cwe(prd.field(1), first(role, "code"));
    xpn(prd.field(2), first(person, "name"));
    xad(prd.field(3), first(person, "address"));
    xtn(prd.field(5), first(role, "telecom"));
    Components number(prd.field(7));
    Value const* const identifier = first(person, "identifier");
    number.put(1, text_at(identifier, "value"));
    if (text_at(identifier, "system") == "http://hl7.org/fhir/sid/us-npi") number.put(2, "NPI");
    if (auto const since = text_at(find(role, "period"), "start"); !since.empty()) {
      prd.field(8).append(dtm(since));
    }
    text(prd.field(10), text_at(organization, "name"));
  }

  Header header_;
  std::vector<Named> resources_;
  std::string out_;
};

/// One pool per thread, reused: what is freed between two messages is only its cursor.
struct Reused {
  std::vector<char> bytes = std::vector<char>(256 * 1024);
};
thread_local Reused reused;

template <class Make>
std::string from_bundle(std::string_view bundle, Header header, Make const& make) {
  Pool pool(reused.bytes.data(), reused.bytes.size());
  rapidjson::Document document(&pool);
  document.Parse(bundle.data(), bundle.size());
  if (document.HasParseError() || find(&document, "entry") == nullptr) return {};
  Writer writer(document, header);
  return make(writer);
}

}  // namespace

void adt_to_fhir(Message const& message, std::span<std::string const> references, std::string& out) {
  Pool pool(reused.bytes.data(), reused.bytes.size());
  Mapper mapper(message, references, pool);
  mapper.run();
  mapper.write(out);
}

std::string adt_to_v2(std::string_view bundle, Header header) {
  return from_bundle(bundle, header, [](Writer& writer) { return writer.adt(); });
}

std::string ref_to_v2(std::string_view bundle, Header header) {
  return from_bundle(bundle, header, [](Writer& writer) { return writer.ref(); });
}

}  // namespace bench
