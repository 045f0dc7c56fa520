#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"

#include <algorithm>
#include <iostream>
#include <map>

namespace gateway::command {

namespace {

namespace language = mappings::language;

constexpr std::pair<char, char const*> kClasses[] = {{'I', "iso"},
                                                     {'C', "iso with complement"},
                                                     {'D', "discriminated"},
                                                     {'G', "guarded"},
                                                     {'O', "one-way, with a reason"}};

std::string_view class_name(char row_class) {
  auto const found = std::ranges::find(kClasses, row_class, &std::pair<char, char const*>::first);
  return found == std::end(kClasses) ? "unknown" : found->second;
}

}  // namespace

int maps_check(MapsArguments const& arguments) {
  auto const maps = load_maps(arguments.overlays);
  if (!maps) {
    print({maps.error()}, arguments.json);
    return kRefused;
  }
  fhir::Issues const issues = language::check(*maps);
  print(issues, arguments.json);
  std::map<char, std::size_t> by_class;
  auto const rows = language::rows(*maps);
  for (language::RowReport const& row : rows) ++by_class[row.row_class];
  std::cout << maps->version() << ": " << maps->structures().size() << " structures, " << rows.size()
            << " rows\n";
  for (auto const& [row_class, count] : by_class)
    std::cout << "  " << count << " " << class_name(row_class) << "\n";
  bool const has_error = std::ranges::any_of(
      issues, [](fhir::Issue const& issue) { return issue.severity <= fhir::Severity::error; });
  return has_error ? kRefused : kDone;
}

int maps_show(MapsArguments const& arguments) {
  auto const maps = load_maps(arguments.overlays);
  if (!maps) {
    print({maps.error()}, arguments.json);
    return kRefused;
  }
  for (language::RowReport const& row : language::rows(*maps)) {
    if (row.id != arguments.row) continue;
    std::cout << row.id << "  " << row.file << ":" << row.line << "\n  v2     " << row.v2 << "\n  FHIR   "
              << row.fhir << "\n  class  " << class_name(row.row_class) << "\n";
    if (!row.reason.empty()) std::cout << "  reason " << row.reason << "\n";
    return kDone;
  }
  print({fhir::error(fhir::IssueType::not_found, "no row has that id", {}, arguments.row)}, arguments.json);
  return kRefused;
}

}  // namespace gateway::command
