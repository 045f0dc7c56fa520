#include "fhir/packages/package.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/packages/gzip.hpp"
#include "fhir/packages/tar.hpp"

#include <algorithm>

namespace fhir::packages {

namespace {

constexpr std::string_view kFolder = "package/";
constexpr std::string_view kExampleFolder = "package/example/";
constexpr std::string_view kManifest = "package/package.json";

/// Whether the path is a JSON file right in that folder.
bool is_json_in(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder) || !path.ends_with(".json")) return false;
  std::string_view const name = path.substr(folder.size());
  return name.find('/') == std::string_view::npos && !name.starts_with('.');
}

bool is_r4(std::string_view version) { return version == "4.0" || version.starts_with("4.0."); }

Result<Package> read_manifest(std::string_view bytes) {
  auto const document = json::read_document(bytes);
  if (!document) {
    return error(IssueType::structure, "package.json is no JSON: " + document.error().diagnostics, {},
                 std::string(kManifest) + " " + document.error().source);
  }
  json::Element const& manifest = document->root;
  Package package;
  package.name = manifest.text_at("name");
  package.version = manifest.text_at("version");
  if (package.name.empty() || package.version.empty())
    return error(IssueType::required, "package.json needs name and version", {}, std::string(kManifest));
  for (char const* member : {"fhirVersions", "fhir-version-list"}) {
    json::Element const* const versions = manifest.find(member);
    if (versions == nullptr) continue;
    for (json::Element const& version : versions->items()) package.fhir_versions.emplace_back(version.text());
  }
  if (!package.fhir_versions.empty() && std::ranges::none_of(package.fhir_versions, is_r4)) {
    return error(
        IssueType::not_supported,
        "the package is made for FHIR " + package.fhir_versions.front() + "; FHIR 4.0.1 is spoken here", {},
        std::string(kManifest));
  }
  if (json::Element const* const dependencies = manifest.find("dependencies")) {
    for (json::Member const& member : dependencies->members())
      package.dependencies.push_back({std::string(member.name), std::string(member.value.text())});
  }
  return package;
}

/// Adds the resource of those bytes; what is JSON but no resource is passed over unless `must_be_resource`.
Result<void> add_resource(Package& package, std::string bytes, std::string_view source, bool is_example,
                          bool must_be_resource) {
  auto const document = json::read_document(bytes);
  if (!document) {
    return error(IssueType::structure, document.error().diagnostics, {},
                 std::string(source) + " " + document.error().source);
  }
  json::Element const& root = document->root;
  PackageResource resource;
  resource.type = root.text_at("resourceType");
  if (resource.type.empty()) {
    if (must_be_resource)
      return error(IssueType::structure, "a resource needs resourceType", {}, std::string(source));
    return {};
  }
  resource.id = root.text_at("id");
  resource.url = root.text_at("url");
  resource.version = root.text_at("version");
  resource.bytes = std::move(bytes);
  resource.is_example = is_example;
  package.resources.push_back(std::move(resource));
  return {};
}

}  // namespace

Result<Package> read_package(std::string_view tgz, PackageLimits const& limits) {
  FHIR_TRY(std::string const archive, gunzip(tgz, limits.unpacked_bytes_max));
  FHIR_TRY(std::vector<TarFile> const files, read_tar(archive, limits.files_max));
  auto const manifest = std::ranges::find(files, kManifest, &TarFile::path);
  if (manifest == files.end())
    return error(IssueType::structure, "the package has no package/package.json", {}, std::string(kManifest));
  FHIR_TRY(Package package, read_manifest(manifest->bytes));
  for (TarFile const& file : files) {
    bool const is_example = is_json_in(file.path, kExampleFolder);
    if (!is_example && (!is_json_in(file.path, kFolder) || file.path == kManifest)) continue;
    if (file.bytes.size() > limits.file_bytes_max) {
      return error(IssueType::too_costly,
                   "a file has more than " + std::to_string(limits.file_bytes_max) + " bytes", {}, file.path);
    }
    FHIR_CHECK(add_resource(package, std::string(file.bytes), file.path, is_example, false));
  }
  return package;
}

Result<Package> make_package(std::string name, std::string version, std::vector<std::string> resources) {
  Package package;
  package.name = std::move(name);
  package.version = std::move(version);
  std::size_t number = 0;
  for (std::string& bytes : resources) {
    FHIR_CHECK(add_resource(package, std::move(bytes), "resource " + std::to_string(++number), false, true));
  }
  return package;
}

}  // namespace fhir::packages
