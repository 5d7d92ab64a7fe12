"""URLs below /api/v1/trucks/."""

from rest_framework.routers import SimpleRouter

from trucks.api.views import TruckViewSet

router = SimpleRouter()
router.register("", TruckViewSet, basename="api_trucks")

urlpatterns = router.urls
