-- A parked receipt is looked up by whoever stores the answer it waits for: by the id the provider gave, which the
-- constraint's index serves, or, when nobody knows what became of the attempt, by our reference.
create index parked_receipt_reference on parked_receipt (provider, wire_reference) where wire_reference is not null;
