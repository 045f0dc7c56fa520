// https://hl7.org/fhir/R4/http.html#patch: JSON Patch, XML Patch, or a Parameters of FHIRPath Patch; in a
// Bundle entry the former two are a Binary. The patch is applied inside the Unit, to the version that the
// committer then checks.
#include "fhir/patch/patch.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/rest/commit.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/status.hpp"
#include "gateway/rest/writes.hpp"

#include <openssl/evp.h>

namespace gateway::rest {

namespace {

using fhir::IssueType;
using fhir::json::Element;
using SharedPatch = std::shared_ptr<fhir::patch::Patch const>;

/// Errors: value (no base64).
fhir::Result<std::string> decode_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  int const size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<unsigned char const*>(text.data()), static_cast<int>(text.size()));
  std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (size < 0 || static_cast<std::size_t>(size) < padding)
    return fhir::error(IssueType::value, "The data of a Binary is base64.", "Binary.data");
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

/// Errors: not_supported (415), and what the patch's own reader says.
fhir::Result<SharedPatch> read_patch(Request const& request) {
  if (request.resource.root == nullptr && is_json_patch(request.content_type))
    return fhir::patch::read_json_patch(request.body);
  if (request.resource.root == nullptr && is_xml_patch(request.content_type))
    return fhir::patch::read_xml_patch(request.body);
  FHIR_TRY(Input const input, read_resource(request));
  if (input.root->text_at("resourceType") != "Binary") return fhir::patch::read_fhirpath_patch(*input.root);
  std::string_view const type = input.root->text_at("contentType");
  if (!is_json_patch(type) && !is_xml_patch(type)) {
    return fhir::error(IssueType::not_supported,
                       "A patch in a Binary is application/json-patch+json or application/xml-patch+xml.",
                       "Binary.contentType", std::string(kContentType));
  }
  FHIR_TRY(std::string const bytes, decode_base64(input.root->text_at("data")));
  return is_xml_patch(type) ? fhir::patch::read_xml_patch(bytes) : fhir::patch::read_json_patch(bytes);
}

fhir::Result<Write> plan(Request const& request) {
  FHIR_TRY(Write write, plan_target(request, WriteKind::update));
  FHIR_TRY(write.patch, read_patch(request));
  return write;
}

/// What says which resource and version this is does not change by a patch.
fhir::Result<void> check_identity(Element const& before, Element const& after, std::string const& type) {
  auto const refuse = [&](std::string const& path) {
    return fhir::error(IssueType::business_rule, "A patch does not change " + path + ".", type + '.' + path);
  };
  if (after.text_at("resourceType") != before.text_at("resourceType")) return refuse("resourceType");
  if (after.text_at("id") != before.text_at("id")) return refuse("id");
  for (char const* const name : {"versionId", "lastUpdated"}) {
    std::string_view const value = after.text_of("meta", name);
    if (!value.empty() && value != before.text_of("meta", name)) return refuse("meta." + std::string(name));
  }
  return {};
}

/// Errors: the first thing wrong with the result, and how many more there are.
fhir::Result<void> check_result(Element const& resource, WriteSetting const& setting) {
  fhir::Issues const issues = judged(setting.judge, resource, setting.now);
  if (issues.empty()) return {};
  fhir::Issue first = issues.front();
  first.diagnostics = "After the patch: " + first.diagnostics;
  if (issues.size() > 1) first.diagnostics += " (and " + std::to_string(issues.size() - 1) + " more)";
  return first;
}

}  // namespace

Planned plan_patch(Request const& request) {
  auto write = plan(request);
  if (!write) return Planned{{}, {std::move(write).error()}};
  return Planned{*std::move(write), {}};
}

fhir::Result<Written> resolve_patch(store::Unit& unit, Write const& write, WriteSetting const& setting) {
  std::optional<store::Version> current;
  if (write.condition) {
    FHIR_TRY(current, match_one(unit, write));
  } else {
    FHIR_TRY(current, unit.find(write.type, write.id));
  }
  FHIR_CHECK(check_preconditions(write, current));
  if (!current) return fhir::error(IssueType::not_found, "There is no resource to patch.");
  if (current->deleted) return fhir::error(IssueType::deleted, "The resource has been deleted.");
  Written written;
  written.id = current->id;
  FHIR_TRY(Element const before, fhir::json::read(current->content, unit.arena()));
  FHIR_TRY(written.patched, write.patch->apply(before, unit.arena()));
  fhir::patch::drop_empty(written.patched);
  FHIR_CHECK(check_identity(before, written.patched, write.type));
  FHIR_CHECK(check_result(written.patched, setting));
  written.current = *std::move(current);
  return written;
}

net::asio::awaitable<Answer> patch(Context const& context, Request const& request) {
  Planned planned = plan_patch(request);
  Answer answer = co_await commit_one(context, request, std::move(planned));
  if (answer.status == 415) {  // RFC 5789 section 2.2
    answer.headers.add("Accept-Patch",
                       "application/fhir+json, " + std::string(kJsonPatch) + ", " + std::string(kXmlPatch));
  }
  co_return answer;
}

}  // namespace gateway::rest
