-- An outage at a customer's wish (domain.md 5.5 no. 28): who asked for it and by what is its basis, kept with its class. The wish
-- is their notice; everybody else affected is told as of any plan.
alter table outage
    drop constraint outage_class_word,
    add constraint outage_class_word check (class in ('PLANNED', 'TEMPORARY', 'CUSTOMER_REQUEST')) not valid,
    add constraint outage_customer_request check (class <> 'CUSTOMER_REQUEST' or (life -> 'class' ->> 'customer' is not null
        and btrim(coalesce(life -> 'class' ->> 'note', '')) <> '')) not valid;
alter table outage validate constraint outage_class_word;
alter table outage validate constraint outage_customer_request;
