-- Who lived at a service point before. An affected set keeps its service points for ever; whom to tell, and whose
-- interruption it is, is whoever has the point at that moment and not whoever had it when the set was made.

create table former_customer (
    service_point_id uuid not null constraint former_customer_point_fk references service_point (id),
    customer_id uuid not null constraint former_customer_customer_fk references customer (id),
    -- When the registry learnt of the next one.
    until_at timestamptz not null,
    constraint former_customer_pk primary key (service_point_id, until_at)
);
create index former_customer_customer on former_customer (customer_id);
