/// Store::commit as something a coroutine awaits: it resumes on its own executor when the group is on disk.
#pragma once

#include "gateway/store/store.hpp"

#include <boost/asio/awaitable.hpp>

namespace gateway::store {

boost::asio::awaitable<fhir::Result<Receipt>> commit(Store& store, Compute compute);

}  // namespace gateway::store
