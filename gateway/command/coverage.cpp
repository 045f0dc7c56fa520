#include "mappings/coverage/coverage.hpp"

#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>

namespace gateway::command {

namespace {

namespace coverage = mappings::coverage;
namespace fs = std::filesystem;
using coverage::Standing;

/// A file and its text, by its name below the folder.
struct LoadedFile {
  std::string name, text;
};

fhir::Result<std::vector<LoadedFile>> load_folder(std::string const& folder) {
  std::vector<LoadedFile> files;
  std::error_code error;
  for (auto const& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() != ".csv") continue;
    FHIR_TRY(auto text, read_file(entry.path().string()));
    files.push_back({fs::relative(entry.path(), folder).generic_string(), std::move(text)});
  }
  if (error)
    return fhir::error(fhir::IssueType::not_found,
                       "the folder of the published sheets cannot be read (--official): " + error.message(),
                       {}, folder);
  std::ranges::sort(files, {}, &LoadedFile::name);
  return files;
}

fhir::Result<std::vector<coverage::Sheet>> load_sheets(std::string const& folder) {
  FHIR_TRY(auto const files, load_folder(folder));
  std::vector<coverage::OfficialFile> views;
  for (LoadedFile const& file : files) views.push_back({file.name, file.text});
  return coverage::read_official(views);
}

void print_line(std::string const& name, std::size_t rows,
                std::array<std::size_t, coverage::kStandings> const& counts) {
  std::printf("%-60s %5zu %7zu %9zu %12zu %9zu %7zu\n", name.c_str(), rows, counts[0], counts[1], counts[2],
              counts[3], counts[4]);
}

void print_heading() {
  std::printf("%-60s %5s %7s %9s %12s %9s %7s\n", "published table", "rows", "covered", "deviating",
              "out of scope", "no target", "missing");
}

void print_rows(coverage::SheetReport const& report, MapsArguments const& arguments) {
  constexpr std::string_view kNames[] = {"covered", "deviates", "out of scope", "no target", "missing"};
  for (std::size_t at = 0; at < report.verdicts.size(); ++at) {
    coverage::Verdict const& verdict = report.verdicts[at];
    coverage::OfficialRow const& row = report.sheet->rows[at];
    bool const listed =
        (verdict.standing == Standing::missing && arguments.missing) ||
        (verdict.standing == Standing::covered && arguments.covered) ||
        ((verdict.standing == Standing::deviating || verdict.standing == Standing::out_of_scope) &&
         arguments.reasons);
    if (!listed) continue;
    std::cout << "  " << kNames[static_cast<std::size_t>(verdict.standing)] << " | " << report.sheet->title()
              << " | " << row.v2 << " | " << row.target;
    if (!verdict.why.empty()) std::cout << " | " << verdict.why;
    if (!row.references.empty()) std::cout << " | references " << row.references;
    if (!row.condition.empty()) std::cout << " | when " << row.condition;
    if (!row.erratum.empty()) std::cout << " | erratum: " << row.erratum;
    std::cout << "\n";
  }
}

}  // namespace

int maps_coverage(MapsArguments const& arguments) {
  auto const maps = load_maps(arguments.overlays);
  auto const reasons = coverage::parse_reasons(coverage::builtin_reasons());
  auto const sheets = load_sheets(arguments.official);
  fhir::Issues refused;
  if (!maps) refused.push_back(maps.error());
  if (!reasons) refused.push_back(reasons.error());
  if (!sheets) refused.push_back(sheets.error());
  if (!refused.empty()) {
    print(refused, arguments.json);
    return kRefused;
  }
  coverage::Report const report = coverage::compare(*maps, *sheets, *reasons);
  print_heading();
  std::size_t missing = 0;
  for (coverage::SheetKind const kind : coverage::kSheetKinds) {
    std::size_t rows = 0, tables = 0;
    std::array<std::size_t, coverage::kStandings> total{};
    for (coverage::SheetReport const& one : report.sheets) {
      if (one.sheet->kind != kind || !coverage::matches(arguments.only, one.sheet->title())) continue;
      auto const counts = one.counts();
      print_line(one.sheet->title(), one.verdicts.size(), counts);
      std::cout.flush();
      print_rows(one, arguments);
      ++tables;
      rows += one.verdicts.size();
      for (std::size_t at = 0; at < counts.size(); ++at) total[at] += counts[at];
    }
    print_line("all " + std::to_string(tables) + " " + std::string(to_text(kind)) + " tables", rows, total);
    missing += total[static_cast<std::size_t>(Standing::missing)];
  }
  std::fflush(stdout);
  print(report.stale, arguments.json);
  return missing == 0 && report.stale.empty() ? kDone : kRefused;
}

}  // namespace gateway::command
