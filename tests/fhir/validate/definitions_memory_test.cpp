/// What R4 and US Core 6.1.0 take, loaded and ready to judge by. Time is told, not asserted: it is the
/// machine's.
#include "fhir/profiles/profile.hpp"
#include "tests/fhir/support/reference.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <iostream>

namespace fhir::validate {
namespace {

/// Resident memory of this process. Source: proc(5), statm.
double resident_mb() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

TEST(Definitions, R4AndUsCoreAreReadyWithin150Megabytes) {
  SKIP_WITHOUT_SHARED();
  std::clock_t const start = std::clock();
  double const before = resident_mb();
  auto const library = std::make_shared<packages::Library>(packages::Library::r4());
  ASSERT_TRUE(library->add(test::load_package("hl7.fhir.us.core-6.1.0")));
  profiles::Profiles const profiles(library);
  ASSERT_TRUE(profiles.find("http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"));
  double const first_s = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::size_t ready = 0;
  for (packages::Entry const* entry : library->list("StructureDefinition"))
    ready += profiles.find(entry->url) ? 1U : 0U;
  double const all_s = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  double const used_mb = resident_mb() - before;
  std::cout << ready << " structure definitions of R4 and US Core 6.1.0: the first profile ready after "
            << first_s << " s of CPU, all after " << all_s << " s, " << used_mb << " MB\n";
  EXPECT_EQ(ready, 717U);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  EXPECT_LT(used_mb, 150);
#endif
}

}  // namespace
}  // namespace fhir::validate
