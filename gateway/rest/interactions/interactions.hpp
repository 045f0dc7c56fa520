/// Every interaction and operation of the API: the right side of the routing table (router.cpp).
///
/// Those that only read are plain functions and say nothing of threads; those that write suspend until it is
/// on disk.
#pragma once

#include "gateway/net/asio.hpp"
#include "gateway/rest/answer.hpp"
#include "gateway/rest/context.hpp"
#include "gateway/rest/request.hpp"

namespace gateway::rest {

fhir::Result<Answer> read(Context const& context, Request const& request);
fhir::Result<Answer> vread(Context const& context, Request const& request);
fhir::Result<Answer> history_instance(Context const& context, Request const& request);
fhir::Result<Answer> history_type(Context const& context, Request const& request);
fhir::Result<Answer> history_system(Context const& context, Request const& request);
fhir::Result<Answer> search_type(Context const& context, Request const& request);
fhir::Result<Answer> search_by_post(Context const& context, Request const& request);
fhir::Result<Answer> capabilities(Context const& context, Request const& request);

net::asio::awaitable<Answer> create(Context const& context, Request const& request);
net::asio::awaitable<Answer> update(Context const& context, Request const& request);  ///< Also conditional.
net::asio::awaitable<Answer> patch(Context const& context, Request const& request);   ///< Also conditional.
net::asio::awaitable<Answer> remove(Context const& context, Request const& request);  ///< Also conditional.
net::asio::awaitable<Answer> bundle(Context const& context,
                                    Request const& request);  ///< Batch or transaction.

fhir::Result<Answer> referral_record(Context const& context, Request const& request);
fhir::Result<Answer> transition_record(Context const& context, Request const& request);
fhir::Result<Answer> provenance(Context const& context, Request const& request);
fhir::Result<Answer> timeline(Context const& context, Request const& request);
fhir::Result<Answer> validate(Context const& context, Request const& request);

// operations/terminology.cpp
fhir::Result<Answer> expand(Context const& context, Request const& request);
fhir::Result<Answer> validate_code_in_value_set(Context const& context, Request const& request);
fhir::Result<Answer> validate_code_in_code_system(Context const& context, Request const& request);
fhir::Result<Answer> batch_validate_in_value_set(Context const& context, Request const& request);
fhir::Result<Answer> batch_validate_in_code_system(Context const& context, Request const& request);
fhir::Result<Answer> lookup(Context const& context, Request const& request);
fhir::Result<Answer> subsumes(Context const& context, Request const& request);
fhir::Result<Answer> translate(Context const& context, Request const& request);

}  // namespace gateway::rest
