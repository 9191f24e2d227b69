-- At which voltage each customer is supplied, of several supply points the highest: the yearly limit of planned outages is
-- stricter from 35 kV on. Nominal, volts; null where the registry does not know.
alter table recipient add column voltage_v integer
    constraint recipient_voltage_range check (voltage_v between 100 and 1200000);
