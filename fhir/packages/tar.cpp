#include "fhir/packages/tar.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace fhir::packages {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kPathBytesMax = 1024;

struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr Field kName{0, 100}, kSize{124, 12}, kChecksum{148, 8}, kMagic{257, 5}, kPrefix{345, 155};
constexpr std::size_t kType = 156;

std::string_view text_of(std::string_view header, Field field) {
  std::string_view const all = header.substr(field.at, field.size);
  return all.substr(0, all.find('\0'));
}

/// Octal digits with blanks around; nullopt for anything else (also for GNU's binary sizes, beyond 8 GB).
std::optional<std::uint64_t> octal_of(std::string_view header, Field field) {
  std::string_view text = text_of(header, field);
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char const c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool has_sound_checksum(std::string_view header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    bool const own = i >= kChecksum.at && i < kChecksum.at + kChecksum.size;
    sum += own ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return octal_of(header, kChecksum) == sum;
}

/// "path" of pax records ("27 path=package/x.json\n").
std::optional<std::string> path_of_pax(std::string_view records) {
  std::optional<std::string> path;
  while (!records.empty()) {
    std::size_t size = 0, digits = 0;
    while (digits < records.size() && digits < 9 && records[digits] >= '0' && records[digits] <= '9')
      size = size * 10 + static_cast<std::size_t>(records[digits++] - '0');
    if (size <= digits + 1 || size > records.size() || records[digits] != ' ') break;
    std::string_view const record = records.substr(digits + 1, size - digits - 2);
    if (record.starts_with("path=")) path = std::string(record.substr(5));
    records.remove_prefix(size);
  }
  return path;
}

bool is_safe(std::string_view path) {
  if (path.empty() || path.size() > kPathBytesMax || path.starts_with('/')) return false;
  if (path.find_first_of(std::string_view("\0\\", 2)) != std::string_view::npos) return false;
  for (std::size_t from = 0; from <= path.size();) {
    std::size_t const to = std::min(path.find('/', from), path.size());
    if (path.substr(from, to - from) == "..") return false;
    from = to + 1;
  }
  return true;
}

std::string path_of(std::string_view header) {
  std::string path;
  if (text_of(header, kMagic) == "ustar") path = text_of(header, kPrefix);
  if (!path.empty()) path += '/';
  path += text_of(header, kName);
  if (path.starts_with("./")) path.erase(0, 2);
  return path;
}

std::string at_byte(std::size_t at) { return "byte " + std::to_string(at); }

}  // namespace

Result<std::vector<TarFile>> read_tar(std::string_view archive, std::size_t files_max) {
  std::vector<TarFile> files;
  std::optional<std::string> long_path;
  std::size_t at = 0;
  while (at + kBlock <= archive.size()) {
    std::string_view const header = archive.substr(at, kBlock);
    if (std::ranges::all_of(header, [](char c) { return c == '\0'; })) return files;
    if (!has_sound_checksum(header))
      return error(IssueType::structure, "no tar header, or a damaged one", {}, at_byte(at));
    auto const size = octal_of(header, kSize);
    std::size_t const body = at + kBlock;
    if (!size || *size > archive.size() - body)
      return error(IssueType::structure, "a file of the archive is cut off", {}, at_byte(at));
    std::string_view const bytes = archive.substr(body, static_cast<std::size_t>(*size));
    at = body + (bytes.size() + kBlock - 1) / kBlock * kBlock;
    char const type = header[kType];
    if (type == 'g') continue;
    if (type == 'x' || type == 'L') {
      long_path = type == 'x' ? path_of_pax(bytes) : std::string(bytes.substr(0, bytes.find('\0')));
      continue;
    }
    std::string path = long_path ? *std::exchange(long_path, std::nullopt) : path_of(header);
    long_path.reset();
    if (!is_safe(path))
      return error(IssueType::security, "a path leaves the archive, or is none", {}, at_byte(body - kBlock));
    if (type == '5') continue;
    if (type != '0' && type != '\0' && type != '7')
      return error(IssueType::security, "only plain files may stand in a package", {}, path);
    if (files.size() == files_max)
      return error(IssueType::too_costly, "more than " + std::to_string(files_max) + " files");
    files.push_back({std::move(path), bytes});
  }
  if (at == 0) return error(IssueType::structure, "no tar archive: shorter than one header");
  return files;
}

}  // namespace fhir::packages
