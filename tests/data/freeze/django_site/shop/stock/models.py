from django.db import models


class Thing(models.Model):
    name = models.TextField()
