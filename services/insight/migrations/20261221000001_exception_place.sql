-- A meter whose own relay opened without a case is an exception of its own: a fault elsewhere does not explain it. And a meter
-- at which nobody knows a customer is one for its place.
alter table ledger_exception drop constraint ledger_exception_kind;
alter table ledger_exception add constraint ledger_exception_kind check (kind in ('switching', 'signal', 'relay'));
alter table ledger_exception add column place text not null default '';
