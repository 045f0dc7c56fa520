#include "tests/faults/outbound.hpp"

#include "examples/partners/v2.hpp"

#include <algorithm>
#include <fstream>

namespace faults {

namespace {

constexpr char kToken[] = "token-of-the-practice";

std::string partner(Clinic const& clinic) {
  return "  - name: " + clinic.name + "\n    application: APP\n    facility: " + clinic.name + R"(
    version: 2.5.1
    authorities:
      RIVERSIDE: "urn:oid:1.3.6.1.4.1.32473.10"
      RIVERSIDE-ORDERS: "urn:oid:1.3.6.1.4.1.32473.11"
      NPI: "http://hl7.org/fhir/sid/us-npi"
    trusted_ids: ["urn:oid:1.3.6.1.4.1.32473.10"]
    organization: Organization/)" +
         clinic.name + "\n    events: [REF^I12, REF^I13, REF^I14]\n    delivery:\n      mllp: \"127.0.0.1:" +
         std::to_string(clinic.port) + "\"\n      ack_timeout_ms: " + std::to_string(clinic.ack_timeout_ms) +
         "\n      retry_delay_ms_min: 10\n      retry_delay_ms_max: 100\n      error_retries: " +
         std::to_string(clinic.error_retries) + "\n" + clinic.delivery + clinic.more;
}

std::string configuration(std::string const& store, std::vector<Clinic> const& clinics) {
  std::string text = "store:\n  path: \"" + store + R"("
http:
  listen: "127.0.0.1:0"
mllp:
  - name: clinics
    listen: "127.0.0.1:0"
subscriptions:
  loopback_hooks: true
clients:
  - name: riverside
    organization: Organization/riverside
    own_authorities: ["urn:oid:1.3.6.1.4.1.32473.10"]
    trusted_ids: ["urn:oid:1.3.6.1.4.1.32473.10"]
    bearer_sha256: ")" +
                     support::sha256_hex(kToken) + "\"\npartners:\n";
  for (Clinic const& clinic : clinics) text += partner(clinic);
  return text;
}

/// "Patient/abc" of "http://host/fhir/Patient/abc/_history/1".
std::string reference_of(std::string const& location) {
  std::string const cut = location.substr(0, location.find("/_history/"));
  auto const slash = cut.rfind('/');
  return cut.substr(slash == std::string::npos || slash == 0 ? 0 : cut.rfind('/', slash - 1) + 1);
}

}  // namespace

void Outbound::open(std::vector<Clinic> const& clinics) {
  std::ofstream(folder_.file("handoff.yaml")) << configuration(folder_.file("handoff.db"), clinics);
  gateway_ =
      std::make_unique<support::GatewayProcess>(folder_.file("handoff.yaml"), folder_.file("gateway.log"));
  start();
  std::vector<std::string> organizations{"riverside"};
  for (Clinic const& clinic : clinics) organizations.push_back(clinic.name);
  for (std::string const& id : organizations) {
    auto const stored = client().put(
        "Organization/" + id, R"({"resourceType":"Organization","id":")" + id + R"(","name":")" + id + "\"}");
    ASSERT_EQ(stored.status, 201) << id;
  }
  auto const doctor = client().put("Practitioner/dr", R"({"resourceType":"Practitioner","id":"dr",
      "identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1933333333"}],"name":[{"family":"Okafor"}]})");
  ASSERT_EQ(doctor.status, 201);
}

void Outbound::start() {
  gateway_->start();
  transcript_ =
      std::make_unique<partners::Transcript>(folder_.file("client" + std::to_string(++restarts_) + ".txt"));
  client_ = std::make_unique<partners::FhirClient>(gateway_->base_url(), kToken, *transcript_);
}

void Outbound::restart() {
  gateway_->kill();
  start();
}

std::string Outbound::create_patient(std::string const& family) {
  auto const created =
      client().post("Patient", R"({"resourceType":"Patient","identifier":[
      {"system":"urn:oid:1.3.6.1.4.1.32473.10","value":"R-)" +
                                   family + R"("}],
      "name":[{"family":")" + family +
                                   R"(","given":["Sample"]}],"gender":"female","birthDate":"1960-01-01"})");
  EXPECT_EQ(created.status, 201) << family;
  return reference_of(created.location);
}

std::string Outbound::refer(std::string const& patient, std::string const& number,
                            std::string const& clinic) {
  auto const posted = client().post("", R"({"resourceType":"Bundle","type":"transaction","entry":[
    {"fullUrl":"urn:uuid:0b6f3c1e-0000-4000-8000-000000000001","request":{"method":"POST","url":"ServiceRequest"},"resource":{
      "resourceType":"ServiceRequest","status":"active","intent":"order",
      "identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"PLAC"}]},
        "system":"urn:oid:1.3.6.1.4.1.32473.11","value":")" +
                                            number + R"("}],
      "category":[{"coding":[{"system":"http://snomed.info/sct","code":"3457005"}]}],
      "code":{"coding":[{"system":"http://snomed.info/sct","code":"183519002"}]},
      "subject":{"reference":")" + patient + R"("},"authoredOn":"2026-11-20T10:00:00Z",
      "requester":{"reference":"Practitioner/dr"},"performer":[{"reference":"Organization/)" +
                                            clinic + R"("}]}},
    {"fullUrl":"urn:uuid:0b6f3c1e-0000-4000-8000-000000000002","request":{"method":"POST","url":"Task"},"resource":{
      "resourceType":"Task","status":"requested","intent":"order",
      "code":{"coding":[{"system":"http://hl7.org/fhir/CodeSystem/task-code","code":"fulfill"}]},
      "focus":{"reference":"urn:uuid:0b6f3c1e-0000-4000-8000-000000000001"},"for":{"reference":")" +
                                            patient + R"("},
      "authoredOn":"2026-11-20T10:00:00Z","requester":{"reference":"Practitioner/dr"},
      "owner":{"reference":"Organization/)" +
                                            clinic + R"("}}}]})");
  EXPECT_EQ(posted.status, 200) << number << " "
                                << partners::text_at(posted.body, {"issue", "0", "diagnostics"});
  return reference_of(partners::text_at(posted.body, {"entry", "0", "response", "location"}));
}

std::vector<Sent> Outbound::outbox(std::string const& destination) {
  support::Database database(folder_.file("handoff.db"));
  std::vector<Sent> all;
  database.each(R"(SELECT control_id, rendered, order_key, last_outcome, state, attempts, resent
                   FROM outbox WHERE destination = ?1 ORDER BY outbox_id)",
                {destination}, [&](support::Database::Row const& row) {
                  all.push_back({row[0], row[1], row[2], row[3], std::stoi(row[4]), std::stoi(row[5]),
                                 std::stoi(row[6])});
                });
  return all;
}

bool Outbound::wait_until_delivered(std::string const& destination, std::size_t count) {
  return support::eventually([&] {
    auto const rows = outbox(destination);
    return static_cast<std::size_t>(std::ranges::count(rows, kDelivered, &Sent::state)) >= count;
  });
}

std::string Outbound::metric(std::string const& name) {
  std::string const base = gateway().base_url();
  partners::Transcript transcript(folder_.file("metrics.txt"));
  partners::FhirClient plain(base.substr(0, base.rfind("/fhir")) + "/metrics", "", transcript);
  std::string const text = "\n" + plain.get("").text;
  auto const at = text.find("\n" + name + " ");
  if (at == std::string::npos) return {};
  auto const begin = at + name.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string Outbound::state_of(std::string const& service_request) {
  auto const record = client().get(service_request + "/$referral-record");
  auto const* const extensions = partners::at(record.body, {"entry", "0", "resource", "extension"});
  for (int i = 0; extensions != nullptr; ++i) {
    std::string const n = std::to_string(i);
    std::string const url = partners::text_at(record.body, {"entry", "0", "resource", "extension", n, "url"});
    if (url.empty()) break;
    if (url.ends_with("/record-state"))
      return partners::text_at(record.body, {"entry", "0", "resource", "extension", n, "valueCode"});
  }
  return {};
}

std::string number_of(support::Arrival const& arrival) {
  return partners::component(partners::field(arrival.text, "RF1", 6), 1);
}

std::vector<std::string> numbers_of(std::vector<support::Arrival> const& arrivals) {
  std::vector<std::string> numbers;
  for (support::Arrival const& arrival : arrivals) {
    if (arrival.attempt == 0) numbers.push_back(number_of(arrival));
  }
  return numbers;
}

}  // namespace faults
