from cinema.forms import FilmForm
from cinema.models import Film
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


@login_required
def films(request: HttpRequest) -> HttpResponse:
    form = FilmForm(request.POST or None, user=request.user)
    if form.is_valid():
        form.instance.owner = request.user
        form.save()
        return redirect("films")
    return render(request, "films.html", {"form": form, "films": Film.objects.select_related("file")})
