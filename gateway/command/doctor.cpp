#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"

#include <algorithm>
#include <iostream>

namespace gateway::command {

int doctor(std::string const& config) {
  auto const setup = make_setup(config);
  if (!setup) {
    print({setup.error()});
    return kRefused;
  }
  std::cout << "configuration  " << setup->settings.partners.size() << " partners, "
            << setup->settings.clients.size() << " clients\ntables         "
            << setup->tables->current()->maps.version() << "\n";
  fhir::Issues issues = mappings::language::check(setup->tables->current()->maps);
  std::erase_if(issues,
                [](fhir::Issue const& issue) { return issue.severity == fhir::Severity::information; });
  fhir::Issues const stored = setup->store->check();
  issues.insert(issues.end(), stored.begin(), stored.end());
  print(issues);
  std::cout << "store          commit " << setup->store->stats().last_commit_seq << ", " << stored.size()
            << " findings\n";
  bool const is_sick = std::ranges::any_of(
      issues, [](fhir::Issue const& issue) { return issue.severity <= fhir::Severity::error; });
  return is_sick ? kRefused : kDone;
}

}  // namespace gateway::command
