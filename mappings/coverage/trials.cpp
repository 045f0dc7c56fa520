#include "mappings/coverage/trials.hpp"

#include "mappings/coverage/text.hpp"

namespace mappings::coverage {

Probe const* Trials::probe_of(Way const& way, Sheet const& sheet) {
  types::Pair const* const pair = types::find_pair(way.by);
  if (pair == nullptr) return nullptr;
  std::string const name = way.by + "|" + sheet.source + "|" + std::to_string(way.part) + "|" + way.sample;
  auto const found = probes_.find(name);
  if (found != probes_.end()) return &found->second;
  return &probes_.emplace(name, Probe(*pair, sheet.source, way.part, way.sample)).first->second;
}

std::string Trials::covering(Way const& way, Sheet const& sheet, OfficialRow const& row) {
  if (sheet.kind == SheetKind::vocabulary) {
    types::Pair const* const pair = types::find_pair(way.by);
    bool const found = pair != nullptr &&
                       turns_code(*pair, {way.part, way.sample, row.v2}, way.element, row.code, row.system);
    return found ? way.by : "";
  }
  Probe const* const probe = probe_of(way, sheet);
  if (probe == nullptr || row.hops.empty()) return {};
  // The pair makes the resource behind the reference: authorReference(Practitioner.name).
  types::Pair const* const pair = types::find_pair(way.by);
  bool const made = row.hops.size() > 1 && !pair->resource.empty() && row.hops.back().type == pair->resource;
  std::string path = made ? row.hops.back().path : own_path(sheet, row);
  if (way.element.starts_with('-')) {
    std::string const outer = way.element.substr(1) + ".";
    if (!path.starts_with(outer)) return {};
    path.erase(0, outer.size());
  } else {
    path = joined(way.element, path);
  }
  std::size_t const number = number_of(row.v2);
  bool const found = row.is_constant ? probe->writes(number, path, row.value) : probe->reaches(number, path);
  return found ? way.by : "";
}

std::string Trials::by_name(Sheet const& sheet, OfficialRow const& row) {
  Way way;
  way.by = sheet.source + "~" + sheet.target;
  return covering(way, sheet, row);
}

}  // namespace mappings::coverage
