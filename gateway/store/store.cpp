#include "gateway/store/store.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <future>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace gateway::store {

RecordPlace place_of(RecordRow const& row) {
  return {row.due_ms == 0 ? INT64_MAX : row.due_ms, row.record_id};
}

fhir::Result<std::vector<RecordRow>> open_records(Snapshot& snapshot, std::string_view kind) {
  constexpr std::size_t kPage = 1000;
  std::vector<RecordRow> all;
  for (RecordPlace place;;) {
    FHIR_TRY(auto page, snapshot.list_records(kind, "", "", kPage, place));
    bool const last = page.size() < kPage;
    if (!page.empty()) place = place_of(page.back());
    std::ranges::move(page, std::back_inserter(all));
    if (last) return all;
  }
}

fhir::Result<Receipt> Store::commit_and_wait(Compute compute) {
  auto promise = std::make_shared<std::promise<fhir::Result<Receipt>>>();
  auto future = promise->get_future();
  commit(std::move(compute),
         [promise](fhir::Result<Receipt> receipt) { promise->set_value(std::move(receipt)); });
  return future.get();
}

IdSource random_ids() {
  return [] {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
      throw std::runtime_error("OpenSSL has no random bytes");
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);  // RFC 4122 4.4: version 4
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);  // and its variant
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string id;
    id.reserve(36);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      if (at == 4 || at == 6 || at == 8 || at == 10) id.push_back('-');
      id.push_back(kDigits[bytes[at] >> 4]);
      id.push_back(kDigits[bytes[at] & 0xF]);
    }
    return id;
  };
}

}  // namespace gateway::store
