import os


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    import django
    from django.core.management import call_command
    from django.template.loader import render_to_string

    django.setup()
    call_command("migrate", verbosity=0)
    from shop.stock.models import Thing

    Thing.objects.bulk_create(Thing(name=str(number)) for number in range(42))
    print(f"{Thing.objects.count()} rows, {render_to_string('welcome.txt').strip()}")
